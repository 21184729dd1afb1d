import { describe, expect, test } from "vitest";
import type { StoredDelta } from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";
import { fakeSink, openStream, subscribe } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

/** A value that passes the store of a test but can't be serialized. */
function tooDeep(): unknown {
  let value: unknown = 1;
  for (let depth = 0; depth < 100_000; depth += 1) value = [value];
  return value;
}

/** Adds a field to each delta that the store returns. */
function addField({ store }: TestContext, name: string, value: unknown): void {
  const { read } = store;
  store.read = async (jobId, cursor) => {
    const delta = await read(jobId, cursor);
    return delta && ({ ...delta, set: { ...delta.set, [name]: value } } as StoredDelta);
  };
}

describe("a state that can't be serialized", () => {
  test.each([
    ["too deep", tooDeep()],
    ["a BigInt", 1n],
    ["an object that throws", Object.defineProperty({}, "x", { enumerable: true, get: thrower })],
  ])(
    "given a change with a value that is %s, cuts the streams and tells onError once",
    async (_name, value) => {
      const context = makeContext();
      const { progress, createJob, setFields, errors } = context;
      const id = await createJob();
      const sinks = await Promise.all(Array.from({ length: 50 }, () => openStream(progress, id)));
      addField(context, "metadata.odd", value);
      await setFields(id, { message: "m" });
      await advance(0);
      for (const sink of sinks) expect(sink).toMatchObject({ destroyed: true, ended: false });
      expect(errors).toMatchObject([{ code: "internal", message: expect.stringContaining(id) }]);
      expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
    },
  );

  test("given new readers, cuts each, answers a poll with 500, and goes on to serve other jobs", async () => {
    const context = makeContext();
    const { progress, createJob, errors } = context;
    const id = await createJob();
    const other = await openStream(progress, await createJob());
    addField(context, "metadata.odd", 1n);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => progress.handle(requestFacts(`/${id}`, STREAM))),
    );
    for (const answer of answers) {
      const sink = subscribe(answer);
      expect(sink.events.map(({ event }) => event)).toEqual(["hello"]);
      expect(sink.destroyed).toBe(true);
    }
    expect(errors).toHaveLength(1);
    const poll = await progress.handle(requestFacts(`/${id}`));
    expect(bodyOf(poll)).toMatchObject({ code: "internal", status: 500 });
    expect(progress.metrics()).toMatchObject({ slots: 1, watchedJobs: 1 });
    expect(other.ended).toBe(false);
  });

  test("given a sink that drains, cuts its stream and does not throw", async () => {
    const context = makeContext();
    const { progress, createJob, setFields } = context;
    const id = await createJob();
    const sink = await openStream(progress, id, { sink: fakeSink(2) });
    addField(context, "metadata.odd", 1n);
    await setFields(id, { message: "m" });
    await advance(0);
    expect(sink.destroyed).toBe(false);
    expect(() => sink.drain()).not.toThrow();
    expect(sink.destroyed).toBe(true);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });
});

function thrower(): never {
  throw new Error("fault");
}

describe("code of the app that fails", () => {
  test("given a listener that throws, rejects or returns a faulty thenable, notifies the others", async () => {
    const { progress, createJob, setFields, errors } = makeContext();
    const id = await createJob();
    const THEN = "then";
    await progress.watch(id, thrower);
    await progress.watch(id, async () => thrower());
    await progress.watch(
      id,
      () => Object.fromEntries([[THEN, thrower]]) as unknown as Promise<void>,
    );
    const sink = await openStream(progress, id);
    const seen: unknown[] = [];
    await progress.watch(id, (job) => void seen.push(job?.message));
    await setFields(id, { message: "m" });
    await advance(0);
    expect(seen).toEqual([null, "m"]);
    expect(sink.state()?.set).toMatchObject({ message: "m" });
    expect(errors).toHaveLength(6);
  });

  test("given an onError that is async and rejects, goes on", async () => {
    const { progress, store, createJob } = makeContext({ onError: async () => thrower() });
    const id = await createJob();
    store.fail("read");
    expect((await progress.handle(requestFacts(`/${id}`))).status).toBe(503);
    // An unhandled rejection would fail the run of the tests.
    await advance(100);
  });

  test.each(["clock", "random"] as const)(
    "given a %s that throws or returns NaN, serves with the default one and tells onError once",
    async (name) => {
      let calls = 0;
      const faulty = () => {
        calls += 1;
        return calls % 2 === 0 ? Number.NaN : thrower();
      };
      const { progress, createJob, setFields, errors } = makeContext({
        [name]: faulty,
        heartbeatMs: 1_000,
      });
      const id = await createJob();
      const sink = await openStream(progress, id);
      await setFields(id, { message: "m" });
      await advance(5_000);
      expect(sink.state()?.set).toMatchObject({ message: "m" });
      expect(sink.events[0]).toMatchObject({ event: "hello", retry: expect.any(Number) });
      expect(sink.events.at(-1)).toMatchObject({
        event: "heartbeat",
        data: { now: expect.any(Number) },
      });
      const draining = progress.drain({ spreadMs: 10 });
      await advance(100);
      await draining;
      expect(sink.events.at(-1)?.event).toBe("bye");
      expect(errors).toMatchObject([{ message: expect.stringContaining(`${name}()`) }]);
    },
  );

  test("given a sink whose methods are async and reject, serves it and the others", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const broken = fakeSink();
    const reject = async () => thrower();
    Object.assign(broken, { write: reject, end: reject, destroy: reject });
    await openStream(progress, id, { sink: broken });
    const other = await openStream(progress, id);
    await setFields(id, { status: "completed" });
    await advance(0);
    expect(other.events.at(-1)?.event).toBe("end");
    await advance(31_000);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given an unwatch that throws at once or returns nothing, closes the topic", async () => {
    for (const unwatch of [thrower, () => undefined]) {
      const { progress, store, createJob } = makeContext();
      store.watch = async () => unwatch as unknown as () => Promise<void>;
      const sink = await openStream(progress, await createJob());
      expect(() => sink.subscription?.closed()).not.toThrow();
      expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
      await advance(0);
    }
  });

  test.each([Number.NaN, "2", -1, Number.POSITIVE_INFINITY, {}])(
    "given a store that wakes with the version %s, still sends this change and the next ones",
    async (odd) => {
      const { progress, store, createJob, setFields } = makeContext({ rereadMs: 600_000 });
      const { watch } = store;
      store.watch = (id, wake) => watch(id, () => wake(odd as number));
      const id = await createJob();
      const sink = await openStream(progress, id);
      for (const message of ["a", "b"]) {
        await setFields(id, { message });
        await advance(0);
        expect(sink.state()?.set).toMatchObject({ message });
      }
    },
  );
});
