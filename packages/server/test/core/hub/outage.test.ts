import { describe, expect, test } from "vitest";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { openStream } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("a store that can't be read", () => {
  test("given a short outage, keeps the streams open, and then tells what they missed", async () => {
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

  test("given a long outage, sends the readers away, never saying that the job failed", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    const sink = await openStream(progress, id);
    store.fail("read");
    await advance(45_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "store" } });
    expect(sink.ended).toBe(true);
    expect(sink.state()?.set).toMatchObject({ status: "queued" });
  });

  test("given a long outage, refuses who comes to a copy that is too old", async () => {
    const { progress, store, createJob } = makeContext();
    const id = await createJob();
    // A worker's place keeps the topic.
    await progress.open(id);
    store.fail("read");
    await advance(45_000);
    const answer = await progress.handle(requestFacts(`/${id}`, STREAM));
    expect(answer).toMatchObject({ kind: "body", status: 503 });
    expect(answer.headers["retry-after"]).toBe("3");
    expect(progress.stats().streams).toBe(0);
  });

  test("given reads that never answer, gives each up, and goes on when the store does", async () => {
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

  test("given a store that answers nonsense, tells onError and keeps the streams", async () => {
    const { progress, store, createJob, errors } = makeContext({ rereadMs: 1_000 });
    const id = await createJob();
    const sink = await openStream(progress, id);
    store.read = async () => ({ cursor: "no cursor", reset: true, set: {}, log: [], done: false });
    await advance(1_500);
    expect(sink.ended).toBe(false);
    expect(errors[0]).toMatchObject({ code: "internal" });
  });
});
