import { describe, expect, test, vi } from "vitest";
import { advance, makeContext, type TestContext, useFakeTime } from "../../context.js";
import { type FakeSink, openMany } from "../../streams.js";

useFakeTime();

const IDS = ["a", "b", "c", "d", "e"];
const newContext = (): TestContext => makeContext({ authorize: () => true });

async function createJobs({ createJob }: TestContext, ids: readonly string[]): Promise<void> {
  for (const id of ids) await createJob(id, ["user:1"]);
}

const lists = (sink: FakeSink) =>
  sink.events.filter(({ event }) => event === "listed").map(({ data }) => data.jobs);

describe("a burst of new and removed jobs", () => {
  test("given it, sends the first list at once, and one for all others after 50 ms", async () => {
    const context = newContext();
    const sink = await openMany(context.progress, "subject=user:1");
    const before = context.store.calls.list;
    await createJobs(context, IDS);
    await advance(0);
    expect(sink.names().slice(3)).toEqual(["listed user:1", "snapshot a"]);
    await advance(49);
    expect(sink.names()).toHaveLength(5);
    await advance(1);
    expect(lists(sink)).toEqual([[], ["a"], ["e", "d", "c", "b", "a"]]);
    expect(sink.names().slice(5)).toEqual([
      "listed user:1",
      "snapshot e",
      "snapshot d",
      "snapshot c",
      "snapshot b",
    ]);
    expect(context.store.calls.list - before).toBe(2);
  });

  test("given a job that comes and leaves within 50 ms, does not send it", async () => {
    const context = newContext();
    const sink = await openMany(context.progress, "subject=user:1");
    await createJobs(context, ["a", "b"]);
    await context.setFields("b", { status: "completed" });
    await context.progress.remove("b");
    await advance(50);
    expect(lists(sink)).toEqual([[], ["a"]]);
    expect(sink.names()).not.toContain("snapshot b");
  });

  test("given changes that are further apart, sends each of them at once", async () => {
    const context = newContext();
    const sink = await openMany(context.progress, "subject=user:1");
    for (const id of ["a", "b", "c"]) {
      await createJobs(context, [id]);
      await advance(0);
      expect(lists(sink).at(-1)).toContain(id);
      await advance(50);
    }
    expect(lists(sink)).toHaveLength(4);
  });

  test("given a reader that comes within 50 ms, it has all jobs at once", async () => {
    const context = newContext();
    await openMany(context.progress, "subject=user:1");
    await createJobs(context, IDS);
    const sink = await openMany(context.progress, "subject=user:1");
    expect(lists(sink)).toEqual([["e", "d", "c", "b", "a"]]);
  });

  test("given a reader that leaves within 50 ms, keeps no timer", async () => {
    const context = newContext();
    const timers = vi.getTimerCount();
    const sink = await openMany(context.progress, "subject=user:1");
    await createJobs(context, IDS);
    sink.subscription?.closed();
    await context.progress.close();
    await advance(0);
    expect(vi.getTimerCount()).toBe(timers);
  });
});
