import { describe, expect, test } from "vitest";
import { advance, makeContext, type TestContext, useFakeTime } from "../../context.js";
import { type FakeSink, fakeSink, openMany } from "../../streams.js";

useFakeTime();

const allowAll = () => true;
const newContext = (options = {}): TestContext => makeContext({ authorize: allowAll, ...options });

/** Creates jobs of a subject one after the other, so that their order is known. */
async function createJobs({ createJob }: TestContext, subject: string, ids: readonly string[]) {
  for (const id of ids) {
    await createJob(id, [subject]);
    await advance(1);
  }
}

const lists = (sink: FakeSink) =>
  sink.events.filter(({ event }) => event === "listed").map(({ data }) => data.jobs);

describe("a stream of a list", () => {
  test("given jobs, sends the list with the newest first, then each of them, then ready", async () => {
    const context = newContext();
    await createJobs(context, "user:1", ["a", "b"]);
    const sink = await openMany(context.progress, "subject=user:1");
    expect(sink.names()).toEqual(["hello", "listed user:1", "snapshot b", "snapshot a", "ready"]);
    expect(sink.events[1]?.data).toEqual({
      subject: "user:1",
      jobs: ["b", "a"],
      next: null,
      tag: expect.stringMatching(/^[a-z0-9]{1,32}$/),
    });
  });

  test("given no job, sends the empty list", async () => {
    const sink = await openMany(newContext().progress, "subject=user:1");
    expect(sink.names()).toEqual(["hello", "listed user:1", "ready"]);
    expect(lists(sink)).toEqual([[]]);
  });

  test("given a job that joins, sends the list before its snapshot, and then its changes", async () => {
    const context = newContext();
    await createJobs(context, "user:1", ["a"]);
    const sink = await openMany(context.progress, "subject=user:1");
    await createJobs(context, "user:1", ["b"]);
    await context.setFields("b", { message: "m" });
    await advance(0);
    expect(sink.names().slice(4)).toEqual(["listed user:1", "snapshot b", "progress b"]);
    expect(lists(sink)).toEqual([["a"], ["b", "a"]]);
  });

  test("given a job that is removed, sends the list, and lets the topic go", async () => {
    const context = newContext();
    const { progress, setFields } = context;
    await createJobs(context, "user:1", ["a", "b"]);
    const sink = await openMany(progress, "subject=user:1");
    await setFields("a", { status: "completed" });
    await progress.remove("a");
    await advance(0);
    expect(sink.names().slice(5)).toEqual(["end a", "listed user:1"]);
    expect(lists(sink).at(-1)).toEqual(["b"]);
    expect(progress.metrics().watchedJobs).toBe(1);
  });

  test("given more jobs than the limit, a new one replaces the oldest, which is not sent any more", async () => {
    const context = newContext();
    await createJobs(context, "user:1", ["a", "b"]);
    const sink = await openMany(context.progress, "subject=user:1&limit=2");
    expect(sink.events[1]?.data.next).toBeNull();
    await createJobs(context, "user:1", ["c"]);
    await context.setFields("a", { message: "m" });
    await advance(0);
    expect(sink.names().slice(5)).toEqual(["listed user:1", "snapshot c"]);
    expect(sink.events[5]?.data).toMatchObject({ jobs: ["c", "b"], next: expect.any(String) });
  });

  test("given a list that is seen and cursors, sends only what is new", async () => {
    const context = newContext();
    const { progress, setFields } = context;
    await createJobs(context, "user:1", ["a", "b"]);
    const first = await openMany(progress, "subject=user:1");
    const tag = first.events[1]?.data.tag;
    const cursorOf = async (id: string) => (await progress.status(id))?.cursor;
    const query = `subject=user:1&seen=${tag}&after=a@${await cursorOf("a")}&after=b@${await cursorOf("b")}`;
    await setFields("a", { message: "m" });
    const second = await openMany(progress, query);
    expect(second.names()).toEqual(["hello", "progress a", "ready"]);
    await createJobs(context, "user:1", ["c"]);
    expect(second.names().slice(3)).toEqual(["listed user:1", "snapshot c"]);
  });

  test("given a cursor of a job that leaves the list and comes back, sends the whole job again", async () => {
    const context = newContext();
    await createJobs(context, "user:1", ["a", "b"]);
    const cursor = (await context.progress.status("a"))?.cursor;
    const sink = await openMany(context.progress, `subject=user:1&limit=2&after=a@${cursor}`);
    expect(sink.names()).toEqual(["hello", "listed user:1", "snapshot b", "ready"]);
    await createJobs(context, "user:1", ["c"]);
    await context.store.remove("c");
    // Changes that follow each other soon are read together.
    await advance(100);
    // The reader has dropped it when it left (P64).
    const after = ["listed user:1", "snapshot c", "listed user:1", "snapshot a"];
    expect(sink.names().slice(4)).toEqual(after);
  });

  test("given a cursor of a job that is in no list, does not send the job", async () => {
    const context = newContext();
    await context.createJob("other");
    const sink = await openMany(context.progress, "subject=user:1&after=other@e.1");
    expect(sink.names()).toEqual(["hello", "listed user:1", "ready"]);
  });

  test("given a job in two lists and by name, sends it once, and as long as one of them has it", async () => {
    const context = newContext();
    const { progress, createJob, setFields } = context;
    await createJob("a", ["user:1", "batch:1"]);
    const sink = await openMany(progress, "job=a&subject=user:1&subject=batch:1");
    expect(sink.names()).toEqual([
      "hello",
      "listed user:1",
      "listed batch:1",
      "snapshot a",
      "ready",
    ]);
    await setFields("a", { message: "m" });
    await advance(0);
    expect(sink.names().slice(5)).toEqual(["progress a"]);
  });

  test("given two readers of one list, watches and reads it once", async () => {
    const context = newContext();
    await createJobs(context, "user:1", ["a"]);
    const { calls } = context.store;
    const before = { ...calls };
    const sinks = [
      await openMany(context.progress, "subject=user:1"),
      await openMany(context.progress, "subject=user:1"),
    ];
    expect(calls.list - before.list).toBe(1);
    // The list and its job.
    expect(calls.watch - before.watch).toBe(2);
    for (const sink of sinks) sink.subscription?.closed();
    await advance(0);
    expect(calls.unwatch).toBe(2);
    expect(context.progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a full sink, sends the last list and one delta per job when it drains", async () => {
    const context = newContext();
    await createJobs(context, "user:1", ["a"]);
    const sink = await openMany(context.progress, "subject=user:1", { sink: fakeSink(4) });
    await createJobs(context, "user:1", ["b", "c"]);
    await advance(50);
    await context.setFields("a", { message: "m" });
    await advance(0);
    expect(sink.names()).toHaveLength(4);
    sink.drain();
    expect(sink.names().slice(4)).toEqual([
      "listed user:1",
      "snapshot b",
      "snapshot c",
      "progress a",
    ]);
    expect(sink.writesWhileFull).toBe(0);
  });

  test("given wakes that are lost, has the list after rereadMs", async () => {
    const context = newContext({ rereadMs: 2_000 });
    context.store.wakes = "lost";
    const sink = await openMany(context.progress, "subject=user:1");
    await createJobs(context, "user:1", ["a"]);
    expect(lists(sink)).toEqual([[]]);
    await advance(3_000);
    expect(lists(sink)).toEqual([[], ["a"]]);
    expect(sink.names().at(-1)).toBe("snapshot a");
  });
});

describe("a store that fails", () => {
  test("given it at the request, refuses the request", async () => {
    const context = newContext();
    context.store.fail("list");
    await expect(openMany(context.progress, "subject=user:1")).rejects.toThrow("store-unavailable");
    expect(context.progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a short outage, keeps the stream and brings the list afterwards", async () => {
    const context = newContext();
    const sink = await openMany(context.progress, "subject=user:1");
    context.store.fail("list");
    await createJobs(context, "user:1", ["a"]);
    await advance(10_000);
    expect(lists(sink)).toEqual([[]]);
    expect(sink.ended).toBe(false);
    context.store.recover();
    await advance(6_000);
    expect(lists(sink)).toEqual([[], ["a"]]);
    expect(sink.names()).toContain("snapshot a");
    expect(context.errors).toHaveLength(1);
  });

  test("given a long outage, ends the stream with bye", async () => {
    const context = newContext();
    const sink = await openMany(context.progress, "subject=user:1");
    context.store.fail("list");
    await advance(45_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "store" } });
  });

  test("given a joined job that can't be read, sends it once it can", async () => {
    const context = newContext();
    const sink = await openMany(context.progress, "subject=user:1");
    context.store.fail("read");
    await createJobs(context, "user:1", ["a"]);
    expect(lists(sink)).toEqual([[], ["a"]]);
    await expect(openMany(context.progress, "subject=user:1")).rejects.toThrow("store-unavailable");
    // If the data of one job are at fault, and not the database, the operator has to know which.
    expect(context.errors[0]?.message).toContain('read() of "a" failed');
    context.store.recover();
    await advance(6_000);
    expect(sink.names().at(-1)).toBe("snapshot a");
  });
});
