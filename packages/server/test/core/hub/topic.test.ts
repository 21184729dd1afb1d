import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { openStream, subscribe } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("a topic", () => {
  test("given two readers at the same time, watches and reads once", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    await Promise.all([openStream(progress, id), openStream(progress, id)]);
    expect(store.calls).toMatchObject({ watch: 1, read: 1 });
    expect(progress.metrics()).toMatchObject({ slots: 2, watchedJobs: 1 });
  });

  test("given no reader any more, ends the watch", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const [one, other] = [await openStream(progress, id), await openStream(progress, id)];
    one.subscription?.closed();
    expect(store.calls.unwatch).toBe(0);
    other.subscription?.closed();
    other.subscription?.closed();
    await advance(0);
    expect(store.calls.unwatch).toBe(1);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a change, writes the same bytes to all readers at the same cursor", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const sinks = await Promise.all([1, 2, 3].map(() => openStream(progress, id)));
    await setFields(id, { message: "on" });
    await advance(0);
    const last = sinks.map(({ chunks }) => chunks.at(-1));
    expect(last[0]).toBeInstanceOf(Uint8Array);
    expect(last[1]).toBe(last[0]);
    expect(last[2]).toBe(last[0]);
    expect(sinks[0]?.events.at(-1)).toMatchObject({
      event: "progress",
      data: { set: { message: "on" } },
    });
  });

  test("given a hundred changes while the reply of a read is delayed, reads once more", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    const release = store.holdReplies("read");
    const before = store.calls.read;
    for (let i = 0; i < 100; i += 1) await setFields(id, { message: `${i}` });
    await advance(0);
    expect(store.calls.read).toBe(before + 1);
    release();
    await advance(0);
    expect(store.calls.read).toBe(before + 2);
    expect(sink.state()?.set).toMatchObject({ message: "99" });
  });

  test("given a hundred changes before a delayed read reaches the store, does not read again", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    const release = store.hold("read");
    const before = store.calls.read;
    for (let i = 0; i < 100; i += 1) await setFields(id, { message: `${i}` });
    release();
    await advance(0);
    expect(store.calls.read).toBe(before + 1);
    expect(sink.state()?.set).toMatchObject({ message: "99" });
  });

  test("given wakes without versions, reads after each", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    store.wakesHaveVersions = false;
    const id = await createJob();
    const sink = await openStream(progress, id);
    for (let i = 0; i < 5; i += 1) {
      await setFields(id, { message: `${i}` });
      await advance(0);
      expect(sink.state()?.set).toMatchObject({ message: `${i}` });
    }
  });

  test("given a change between its watch and its first read, passes it on", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    const release = store.holdReplies("read");
    const opening = openStream(progress, id);
    await advance(0);
    await setFields(id, { message: "in between" });
    release();
    const sink = await opening;
    await advance(0);
    expect(sink.state()?.set).toMatchObject({ message: "in between" });
  });

  test.each(["lost", "doubled", "late"] as const)(
    "given wakes that are %s, passes each change on once",
    async (wakes) => {
      const { progress, store, createJob, setFields } = makeContext({ rereadMs: 5_000 });
      const id = await createJob();
      const sink = await openStream(progress, id);
      store.wakes = wakes;
      for (const message of ["a", "b", "c"]) {
        await setFields(id, { message }, [message]);
        await advance(6_000);
        expect(sink.state()?.set).toMatchObject({ message });
      }
      expect(sink.state()?.log.map(({ text }) => text)).toEqual(["a", "b", "c"]);
      expect(sink.deltas()).toHaveLength(4);
    },
  );

  test("given a reader with a later cursor than the replica, reads before it answers", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    await openStream(progress, id);
    store.wakes = "lost";
    await setFields(id, { message: "seen elsewhere" });
    const cursor = (await progress.status(id))?.cursor;
    const sink = await openStream(progress, id, { cursor });
    expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
    expect(sink.events[0]?.data.cursor).toBe(cursor);
  });

  test("given another epoch under the same id, sends a snapshot to every reader", async () => {
    const { progress, store, createJob, setFields } = makeContext({ rereadMs: 1_000 });
    const id = await createJob("again");
    await setFields(id, { message: "first epoch", "metadata.only": "then" });
    const sink = await openStream(progress, id);
    // The store lost its data, and the job was created again.
    const other = makeContext();
    await other.createJob("again");
    store.read = (jobId, cursor) => other.store.read(jobId, cursor);
    await advance(1_500);
    expect(sink.events.at(-1)?.event).toBe("snapshot");
    expect(sink.state()?.set).not.toHaveProperty("metadata.only");
  });

  test("given a job that is removed, sends timeout with the scope job and closes the streams", async () => {
    const { progress, store, createJob } = makeContext({ rereadMs: 1_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    store.read = async () => undefined;
    await advance(1_500);
    expect(sink.events.at(-1)).toMatchObject({ event: "timeout", data: { scope: "job" } });
    expect(sink.ended).toBe(true);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a job that is removed between the answer and the subscription, sends timeout and closes", async () => {
    const { progress, store, createJob } = makeContext({ rereadMs: 1_000 });
    const id = await createJob();
    const answer = await progress.handle(requestFacts(`/${id}`, STREAM));
    store.read = async () => undefined;
    await advance(1_500);
    const sink = subscribe(answer);
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "snapshot", "timeout"]);
    expect(sink.ended).toBe(true);
  });

  test("given a first reader with an earlier cursor, sends the delta after that cursor", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    await setFields(id, { message: "later" }, ["line"]);
    const sink = await openStream(progress, id, { cursor });
    expect(sink.deltas()).toHaveLength(1);
    expect(sink.deltas()[0]).toMatchObject({ reset: false, set: { message: "later" } });
    expect(sink.deltas()[0]?.log).toHaveLength(1);
  });
});
