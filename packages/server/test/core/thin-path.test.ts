import { expect, test } from "vitest";
import { allowAnyone, createProgress, memoryStore } from "../../src/index.js";
import { openStream } from "./streams.js";

test("given a job that runs, its stream has hello, a snapshot and one end", async () => {
  const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
  const job = await progress.create({
    kind: "video",
    plan: [{ id: "render", title: "Render", weight: 1 }],
    metadata: { topic: "Sea" },
  });
  const sink = await openStream(progress, job.id);
  const state = await progress.run(job, async (reporter) => {
    reporter.log("begun");
    await reporter.step("render", (step) => step.update({ done: 40, total: 80 }));
    return { videoUrl: "/v.mp4" };
  });
  await expect.poll(() => progress.metrics().slots).toBe(0);
  expect(state).toMatchObject({
    status: "completed",
    percent: 100,
    result: { videoUrl: "/v.mp4" },
  });
  expect(sink.events.at(0)?.event).toBe("hello");
  expect(sink.events.at(1)?.event).toBe("snapshot");
  expect(sink.events.filter(({ event }) => event === "end")).toHaveLength(1);
  expect(sink.events.at(-1)).toMatchObject({ event: "end", data: { done: true } });
  expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, reporters: 0 });
  await progress.close();
});
