import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { fakeSink, openStream, subscribe } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("opening a topic", () => {
  test("given a client that disconnects meanwhile, frees its slot and ends the watch", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const release = store.hold("read");
    const client = new AbortController();
    const answering = progress.handle(requestFacts(`/${id}`, STREAM, { signal: client.signal }));
    await advance(0);
    expect(progress.metrics().slots).toBe(1);
    client.abort();
    release();
    await answering;
    await advance(0);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
    expect(store.calls.unwatch).toBe(1);
  });

  test("given a client that disconnects before it is subscribed, writes nothing to its sink", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const client = new AbortController();
    const answer = await progress.handle(requestFacts(`/${id}`, STREAM, { signal: client.signal }));
    client.abort();
    const sink = fakeSink();
    subscribe(answer, sink).subscription?.closed();
    expect(sink.chunks).toHaveLength(0);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a job that ends meanwhile, sends the end", async () => {
    const { progress, store, createJob, setFields } = makeContext();
    const id = await createJob();
    const release = store.holdReplies("read");
    const opening = openStream(progress, id);
    await advance(0);
    await setFields(id, { status: "completed", result: 7 });
    release();
    const sink = await opening;
    await advance(0);
    expect(sink.events.at(-1)).toMatchObject({ event: "end", data: { set: { result: 7 } } });
    expect(sink.ended).toBe(true);
  });

  test("given a read that fails, refuses every waiting reader, frees their slots and ends the watch", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    store.fail("read");
    const answers = await Promise.all(
      [1, 2].map(() => progress.handle(requestFacts(`/${id}`, STREAM))),
    );
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
    expect(store.calls).toMatchObject({ watch: 1, unwatch: 1 });
    store.recover();
    expect((await openStream(progress, id)).deltas()).toHaveLength(1);
  });

  test("given a watch that starts after its time limit, ends it", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const release = store.hold("watch");
    const answering = progress.handle(requestFacts(`/${id}`, STREAM));
    await advance(10_000);
    expect((await answering).status).toBe(503);
    release();
    await advance(0);
    expect(store.calls.unwatch).toBe(1);
  });
});
