import { expect, test } from "vitest";
import { memoryStore } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { faultyStore } from "../faulty-store.js";
import { requestFacts } from "../requests.js";
import { fakeSink, openStream } from "../streams.js";

/*
 * Regression tests for the faults of the system that this library replaces. Each number is that of a fault.
 */

useFakeTime();

const STREAM = { accept: "text/event-stream" };

test("fault 6: given two processes with one store, sends the writes of one to readers of the other", async () => {
  const store = faultyStore();
  const [worker, server] = [makeContext({}, store), makeContext({}, store)];
  const id = await worker.createJob();
  const sink = await openStream(server.progress, id);
  await worker.progress.run(id, async (reporter) => {
    reporter.log("from the other process");
  });
  await advance(0);
  expect(sink.state()).toMatchObject({ log: [{ text: "from the other process" }] });
  expect(sink.events.at(-1)?.event).toBe("end");
});

test("fault 6: given open streams, answers other requests", async () => {
  const { progress, createJob } = makeContext();
  const id = await createJob();
  for (let i = 0; i < 50; i += 1) await openStream(progress, id);
  expect((await progress.handle(requestFacts(`/${id}/status`))).status).toBe(200);
  expect((await openStream(progress, await createJob())).deltas()).toHaveLength(1);
});

test("fault 7: given a hundred idle streams, reads once per rereadMs, not once per stream", async () => {
  const { progress, store, createJob } = makeContext({ rereadMs: 5_000 });
  const id = await createJob();
  for (let i = 0; i < 100; i += 1) await openStream(progress, id);
  expect(store.calls).toMatchObject({ watch: 1, read: 1 });
  await advance(60_000);
  expect(store.calls.read).toBeLessThanOrEqual(1 + 60 / 5);
});

test("fault 7: given a change, sends it to a hundred streams after one read, without waiting for a poll", async () => {
  const { progress, store, createJob, setFields } = makeContext();
  const id = await createJob();
  const sinks = [];
  for (let i = 0; i < 100; i += 1) sinks.push(await openStream(progress, id));
  const { read } = store.calls;
  await setFields(id, { message: "m" });
  await advance(0);
  expect(store.calls.read).toBe(read + 1);
  for (const sink of sinks) expect(sink.state()?.set).toMatchObject({ message: "m" });
});

test("fault 8: given twenty readers, opens one topic, and a reader that leaves does not affect others", async () => {
  const { progress, store, createJob, setFields } = makeContext();
  const id = await createJob();
  const sinks = await Promise.all(Array.from({ length: 20 }, () => openStream(progress, id)));
  expect(store.calls.watch).toBe(1);
  for (const [index, sink] of sinks.entries()) {
    const next = sinks[index + 1];
    const { write } = sink;
    // Every second sink closes the next one when it is written to.
    if (index % 2 === 0) {
      sink.write = (bytes) => {
        next?.subscription?.closed();
        return write(bytes);
      };
    }
  }
  await setFields(id, { message: "m" });
  await advance(0);
  const received = sinks.map((sink) => sink.state()?.set.message === "m");
  expect(received).toEqual(sinks.map((_, index) => index % 2 === 0));
  expect(progress.metrics().slots).toBe(10);
});

test("fault 8: given sweeps at the same time as writes and reads, sends every end", async () => {
  const { progress, store, setFields, createJob } = makeContext();
  const ids = await Promise.all(Array.from({ length: 30 }, () => createJob()));
  const sinks = await Promise.all(ids.map((id) => openStream(progress, id)));
  await Promise.all([
    ...ids.map((id) => setFields(id, { status: "completed" })),
    ...ids.map(() => store.sweep(Date.now() + 10, 3)),
    ...ids.map((id) => progress.status(id)),
  ]);
  await advance(0);
  for (const sink of sinks) expect(sink.events.at(-1)?.event).toBe("end");
});

test("fault 9: given a job with hundreds of reports, sends a state of bounded size", async () => {
  const store = faultyStore(memoryStore({ maxLogLines: 20 }));
  const { progress, createJob } = makeContext({}, store);
  const id = await createJob();
  const reporter = await progress.open(id);
  for (let i = 0; i < 500; i += 1) {
    reporter.log(`line ${i}`);
    reporter.update({ percent: i / 10, message: `${i}` });
    await advance(10);
  }
  await advance(200);
  const late = await openStream(progress, id);
  const [snapshot] = late.deltas();
  expect(snapshot?.log).toHaveLength(20);
  expect(snapshot?.log.at(-1)).toMatchObject({ text: "line 499" });
  expect(late.chunks.at(-1)?.length).toBeLessThan(8_192);
});

test("fault 9: given more streams or jobs than the limits, refuses them", async () => {
  const { progress, createJob } = makeContext(
    { maxStreams: 3 },
    faultyStore(memoryStore({ maxJobs: 2 })),
  );
  const id = await createJob();
  await createJob();
  await expect(createJob()).rejects.toMatchObject({ code: "store-full" });
  for (let i = 0; i < 3; i += 1) await openStream(progress, id);
  expect((await progress.handle(requestFacts(`/${id}`, STREAM))).status).toBe(429);
});

test("fault 9: given a full sink, queues nothing for it", async () => {
  const { progress, createJob, setFields } = makeContext();
  const id = await createJob();
  const sink = await openStream(progress, id, { sink: fakeSink(2) });
  for (let i = 0; i < 1_000; i += 1) await setFields(id, { message: `${i}` });
  await advance(0);
  expect(sink.chunks).toHaveLength(2);
  sink.drain();
  expect(sink.chunks).toHaveLength(3);
});

test("fault 10: given a client that has disconnected, writes nothing more", async () => {
  const { progress, createJob, setFields } = makeContext();
  const id = await createJob();
  const sink = await openStream(progress, id);
  sink.subscription?.closed();
  const before = sink.chunks.length;
  await setFields(id, { message: "m" });
  await setFields(id, { status: "completed" });
  await advance(3_600_000);
  expect(sink.chunks).toHaveLength(before);
  expect(sink).toMatchObject({ ended: false, destroyed: false });
});
