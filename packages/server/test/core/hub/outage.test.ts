import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { openStream } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("a store that cannot be read", () => {
  test("given a short outage, keeps the streams open, then sends the changes made meanwhile", async () => {
    const { progress, store, createJob, setFields, errors } = makeContext({ heartbeatMs: 5_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    await setFields(id, { message: "missed" });
    store.fail("read");
    await advance(25_000);
    expect(sink.ended).toBe(false);
    expect(sink.events.at(-1)?.event).toBe("heartbeat");
    store.recover();
    await advance(6_000);
    expect(sink.state()?.set).toMatchObject({ message: "missed" });
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
  });

  test("given a long outage, closes the streams with bye and never reports the job as failed", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    store.fail("read");
    await advance(45_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "store" } });
    expect(sink.ended).toBe(true);
    expect(sink.state()?.set).toMatchObject({ status: "queued" });
  });

  test("given a long outage, refuses new readers of an open topic", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    // A watch keeps the topic open after its streams were closed.
    await progress.watch(id, () => {});
    store.fail("read");
    await advance(45_000);
    expect(progress.metrics()).toMatchObject({ watchedJobs: 1 });
    const answer = await progress.handle(requestFacts(`/${id}`, STREAM));
    expect(answer).toMatchObject({ kind: "body", status: 503 });
    expect(answer.headers["retry-after"]).toBe("3");
    expect(progress.metrics().slots).toBe(0);
  });

  test("given a reader with a later cursor, refuses it, and gives others the state that is known", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    const first = await openStream(progress, id);
    store.wakes = "lost";
    await setFields(id, { message: "seen at another process" });
    const cursor = (await progress.status(id))?.cursor;
    store.fail("read");
    await expect(openStream(progress, id, { cursor })).rejects.toThrow("store-unavailable");
    const other = await openStream(progress, id);
    expect(other.state()).toEqual(first.state());
    store.recover();
    await advance(6_000);
    const later = await openStream(progress, id, { cursor });
    expect(later.deltas()).toEqual([]);
  });

  test("given reads that do not return, gives each up after a time limit and reads again later", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    const release = store.hold("read");
    await setFields(id, { message: "late" });
    await advance(15_000);
    release();
    await advance(6_000);
    expect(sink.ended).toBe(false);
    expect(sink.state()?.set).toMatchObject({ message: "late" });
  });

  test("given a malformed delta from the store, calls onError and keeps the streams open", async () => {
    const { progress, store, createJob, errors } = makeContext({ rereadMs: 1_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    const malformed = { cursor: "no cursor", reset: true, set: {}, log: [], done: false, now: 0 };
    store.read = async () => malformed;
    await advance(1_500);
    expect(sink.ended).toBe(false);
    expect(errors[0]).toMatchObject({ code: "internal" });
  });
});
