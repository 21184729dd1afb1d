import { expect, test, vi } from "vitest";
import { advance, makeContext, useFakeTime } from "./context.js";

useFakeTime();

test("given close(), no timer is left", async () => {
  const { progress, createJob } = makeContext({ sweepIntervalMs: 1_000 });
  const reporter = await progress.open(await createJob());
  reporter.update({ message: "m" });
  await progress.close();
  expect(vi.getTimerCount()).toBe(0);
});

test("given no open job and no reader, only the timer of the sweep is left", async () => {
  const { progress, createJob } = makeContext({ sweepIntervalMs: 5_000 });
  await progress.run(await createJob(), async (reporter) => reporter.update({ message: "m" }));
  await advance(1_000);
  expect(vi.getTimerCount()).toBe(1);
});
