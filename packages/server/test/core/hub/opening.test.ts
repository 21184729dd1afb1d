import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { fakeSink, openStream } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("leaving while something is under way", () => {
  test("given a client that leaves while its topic opens, keeps neither place nor watch", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const release = store.hold("read");
    const client = new AbortController();
    const answering = progress.handle(requestFacts(`/${id}`, STREAM, { signal: client.signal }));
    await advance(0);
    expect(progress.stats().streams).toBe(1);
    client.abort();
    release();
    await answering;
    await advance(0);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
    expect(store.calls.unwatch).toBe(1);
  });

  test("given a client that leaves before it is subscribed, and is subscribed nevertheless, writes nothing", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const client = new AbortController();
    const answer = await progress.handle(requestFacts(`/${id}`, STREAM, { signal: client.signal }));
    client.abort();
    const sink = fakeSink();
    if (answer.kind === "stream") answer.subscribe(sink).closed();
    expect(sink.chunks).toHaveLength(0);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
  });

  test("given a job that ends while its topic opens, the reader gets the end", async () => {
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

  test("given a topic that can't be opened, refuses each of its readers and leaves nothing behind", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    store.fail("read");
    const answers = await Promise.all(
      [1, 2].map(() => progress.handle(requestFacts(`/${id}`, STREAM))),
    );
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
    expect(store.calls).toMatchObject({ watch: 1, unwatch: 1 });
    store.recover();
    expect((await openStream(progress, id)).deltas()).toHaveLength(1);
  });

  test("given a watch that comes after everybody gave up on it, ends that too", async () => {
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
