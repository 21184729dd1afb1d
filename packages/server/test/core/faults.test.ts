import { expect, test, vi } from "vitest";
import {
  createProgress,
  memoryStore,
  type ProgressOptions,
  type Reporter,
} from "../../src/index.js";
import { faultyStore } from "./faulty-store.js";
import { facts, fakeSink, makeWorld, openStream, pass, useFakeTime } from "./kit.js";

/*
 * The system that this library replaces had faults; each has its number here, and a test that fails when it comes back.
 */

useFakeTime();

const STREAM = { accept: "text/event-stream" };

const bodyOf = (answer: { readonly body?: string | null }): Record<string, unknown> =>
  JSON.parse(answer.body ?? "null");

test("fault 1: given a reader who comes back with its event id, nothing is told again", async () => {
  const { progress, job, set } = makeWorld();
  const id = await job();
  const first = await openStream(progress, id);
  await set(id, { message: "one" }, ["line 1"]);
  await pass(0);
  const lastId = first.events.at(-1)?.id;
  expect(lastId).toBeDefined();
  first.subscription?.closed();
  await set(id, { message: "two" }, ["line 2"]);
  const second = await openStream(progress, id, { cursor: lastId });
  expect(second.deltas().flatMap(({ log }) => log.map(({ text }) => text))).toEqual(["line 2"]);
  expect(second.deltas().some(({ reset }) => reset)).toBe(false);
});

test("fault 2: given an end that one reader has seen, a second tab, a reload and a status call get it too", async () => {
  const { progress, job } = makeWorld();
  const id = await job();
  const first = await openStream(progress, id);
  await progress.run(id, async () => ({ url: "/v" }));
  await pass(600);
  expect(first.events.at(-1)?.event).toBe("end");
  for (const _reader of ["second tab", "reload"]) {
    const sink = await openStream(progress, id);
    expect(sink.events.at(-1)).toMatchObject({
      event: "end",
      data: { set: { result: { url: "/v" } } },
    });
  }
  expect(await progress.status(id)).toMatchObject({ status: "completed", result: { url: "/v" } });
});

test("fault 3: given an error in the last step, an end is sent, and says that the job failed", async () => {
  const { progress, job } = makeWorld();
  const id = await job();
  const sink = await openStream(progress, id);
  await progress.run(id, (reporter) =>
    reporter.step("finalize", () => {
      throw new Error("disk full");
    }),
  );
  await pass(600);
  expect(sink.events.at(-1)).toMatchObject({ event: "end", data: { set: { status: "failed" } } });
  expect(sink.ended).toBe(true);
});

test("fault 3: given a worker that dies, its readers are told within seconds, and then the end", async () => {
  const store = faultyStore();
  const worker = makeWorld({ leaseMs: 6_000 }, store);
  const server = makeWorld({ leaseMs: 6_000, sweepIntervalMs: 2_000 }, store);
  const id = await worker.job();
  const sink = await openStream(server.progress, id);
  await worker.progress.open(id);
  await worker.progress.close();
  await pass(9_000);
  expect(sink.state()?.set).toMatchObject({ status: "running", stale: true });
  await pass(6_000);
  expect(sink.events.at(-1)).toMatchObject({ event: "end", data: { set: { status: "lost" } } });
});

test("fault 4: given an unknown id, answers 404 at once, and neither watches nor beats", async () => {
  const { progress, store } = makeWorld();
  const answer = await progress.handle(facts("/nobody", STREAM));
  expect(answer).toMatchObject({ kind: "body", status: 404 });
  expect(bodyOf(answer as { body: string })).toMatchObject({ code: "job-not-found" });
  expect(store.calls.watch).toBe(store.calls.unwatch);
  expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
  await pass(1_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("fault 5: given a job that takes twenty minutes, one stream lasts from its start to its end", async () => {
  const { progress, job, set } = makeWorld();
  const id = await job();
  const sink = await openStream(progress, id);
  for (let minute = 1; minute <= 20; minute += 1) {
    await pass(60_000);
    await set(id, { message: `minute ${minute}` });
  }
  await set(id, { status: "completed" });
  await pass(0);
  expect(sink.events.at(-1)?.event).toBe("end");
  expect(sink.events.some(({ event }) => event === "timeout" || event === "bye")).toBe(false);
});

test("fault 5: given ten silent minutes, the stream says that it ends, not the job, and can be taken up again", async () => {
  const { progress, job, set } = makeWorld();
  const id = await job();
  const sink = await openStream(progress, id);
  const cursor = sink.events.at(-1)?.id;
  await pass(601_000);
  expect(sink.events.at(-1)).toMatchObject({ event: "timeout", data: { scope: "stream" } });
  await set(id, { message: "still there" });
  const again = await openStream(progress, id, { cursor });
  expect(again.deltas()).toMatchObject([{ set: { message: "still there" } }]);
});

test("fault 6: given two processes over one store, a reader of either is told what the other writes", async () => {
  const store = faultyStore();
  const [worker, server] = [makeWorld({}, store), makeWorld({}, store)];
  const id = await worker.job();
  const sink = await openStream(server.progress, id);
  await worker.progress.run(id, async (reporter) => {
    reporter.log("by the other");
  });
  await pass(0);
  expect(sink.state()).toMatchObject({ log: [{ text: "by the other" }] });
  expect(sink.events.at(-1)?.event).toBe("end");
});

test("fault 6: given open streams, other requests are answered", async () => {
  const { progress, job } = makeWorld();
  const id = await job();
  for (let by = 0; by < 50; by += 1) await openStream(progress, id);
  expect((await progress.handle(facts(`/${id}/status`))).status).toBe(200);
  expect((await openStream(progress, await job())).deltas()).toHaveLength(1);
});

test("fault 7: given a hundred silent streams, the store is read once per job and re-read, not per stream", async () => {
  const { progress, store, job } = makeWorld({ rereadMs: 5_000 });
  const id = await job();
  for (let by = 0; by < 100; by += 1) await openStream(progress, id);
  expect(store.calls).toMatchObject({ watch: 1, read: 1 });
  await pass(60_000);
  expect(store.calls.read).toBeLessThanOrEqual(1 + 60 / 5);
});

test("fault 7: given a change, a hundred streams are told after one read, without waiting for a poll", async () => {
  const { progress, store, job, set } = makeWorld();
  const id = await job();
  const sinks = [];
  for (let by = 0; by < 100; by += 1) sinks.push(await openStream(progress, id));
  const { read } = store.calls;
  await set(id, { message: "m" });
  await pass(0);
  expect(store.calls.read).toBe(read + 1);
  for (const sink of sinks) expect(sink.state()?.set).toMatchObject({ message: "m" });
});

test("fault 8: given many first uses at once, there is one topic; given readers who leave in the middle of a change, the others get it", async () => {
  const { progress, store, job, set } = makeWorld();
  const id = await job();
  const sinks = await Promise.all(Array.from({ length: 20 }, () => openStream(progress, id)));
  expect(store.calls.watch).toBe(1);
  for (const [index, sink] of sinks.entries()) {
    const next = sinks[index + 1];
    const { write } = sink;
    // Each takes its neighbour along when it is written to.
    if (index % 2 === 0) {
      sink.write = (bytes) => {
        next?.subscription?.closed();
        return write(bytes);
      };
    }
  }
  await set(id, { message: "m" });
  await pass(0);
  const told = sinks.map((sink) => sink.state()?.set.message === "m");
  expect(told).toEqual(sinks.map((_, index) => index % 2 === 0));
  expect(progress.stats().streams).toBe(10);
});

test("fault 8: given sweeps beside writes and streams, nothing breaks and nothing is lost", async () => {
  const { progress, store, set, job } = makeWorld();
  const ids = await Promise.all(Array.from({ length: 30 }, () => job()));
  const sinks = await Promise.all(ids.map((id) => openStream(progress, id)));
  await Promise.all([
    ...ids.map((id) => set(id, { status: "completed" })),
    ...ids.map(() => store.sweep(Date.now() + 10, 3)),
    ...ids.map((id) => progress.status(id)),
  ]);
  await pass(0);
  for (const sink of sinks) expect(sink.events.at(-1)?.event).toBe("end");
});

test("fault 9: given a job that reports for ever, its readers hold a bounded state", async () => {
  const store = faultyStore(memoryStore({ maxLogLines: 20 }));
  const { progress, job } = makeWorld({}, store);
  const id = await job();
  const reporter = await progress.open(id);
  for (let by = 0; by < 500; by += 1) {
    reporter.log(`line ${by}`);
    reporter.update({ percent: by / 10, message: `${by}` });
    await pass(10);
  }
  await pass(200);
  const late = await openStream(progress, id);
  const [snapshot] = late.deltas();
  expect(snapshot?.log).toHaveLength(20);
  expect(snapshot?.log.at(-1)).toMatchObject({ text: "line 499" });
  expect(late.chunks.at(-1)?.length).toBeLessThan(8_192);
});

test("fault 9: given more streams than are allowed, or more jobs, refuses them", async () => {
  const { progress, job } = makeWorld({ maxStreams: 3 }, faultyStore(memoryStore({ maxJobs: 2 })));
  const id = await job();
  await job();
  await expect(job()).rejects.toMatchObject({ code: "store-full" });
  for (let by = 0; by < 3; by += 1) await openStream(progress, id);
  expect((await progress.handle(facts(`/${id}`, STREAM))).status).toBe(429);
});

test("fault 9: given a reader that takes nothing, keeps nothing for it", async () => {
  const { progress, job, set } = makeWorld();
  const id = await job();
  const sink = await openStream(progress, id, { sink: fakeSink(2) });
  for (let by = 0; by < 1_000; by += 1) await set(id, { message: `${by}` });
  await pass(0);
  expect(sink.chunks).toHaveLength(2);
  sink.drain();
  expect(sink.chunks).toHaveLength(3);
});

test("fault 10: given a client that has left, nothing is written any more", async () => {
  const { progress, job, set } = makeWorld();
  const id = await job();
  const sink = await openStream(progress, id);
  sink.subscription?.closed();
  const before = sink.chunks.length;
  await set(id, { message: "m" });
  await set(id, { status: "completed" });
  await pass(3_600_000);
  expect(sink.chunks).toHaveLength(before);
  expect(sink).toMatchObject({ ended: false, destroyed: false });
});

test("fault 11: given a stream, its reader is told when to come back and how long silence may last", async () => {
  const { progress, job } = makeWorld({ heartbeatMs: 12_000 });
  const sink = await openStream(progress, await job());
  expect(sink.events[0]).toMatchObject({
    event: "hello",
    retry: expect.any(Number),
    data: { heartbeatMs: 12_000 },
  });
  await pass(125_000);
  const beats = sink.events.filter(({ event }) => event === "heartbeat");
  expect(beats.length).toBeGreaterThanOrEqual(10);
});

test("fault 12: given each kind of frame, its event says what it is; given an end, its status does", async () => {
  const { progress, job, set } = makeWorld({ heartbeatMs: 5_000 });
  const id = await job();
  const sink = await openStream(progress, id);
  await set(id, { step: "completed", message: "completed" });
  await pass(6_000);
  expect(sink.events.map(({ event }) => event)).toEqual([
    "hello",
    "snapshot",
    "progress",
    "heartbeat",
  ]);
  expect(sink.ended).toBe(false);
  await progress.run(id, () => {
    throw new Error("x");
  });
  await pass(0);
  const end = sink.events.at(-1);
  expect(end).toMatchObject({ event: "end", data: { done: true, set: { status: "failed" } } });
  const state = await progress.status(id);
  expect(state).toMatchObject({ status: "failed", result: null });
  expect(state?.percent).not.toBe(100);
});

test("fault 13: given steps that are reported in any way, the percent never falls, moves within a step, and is 100 at the end alone", async () => {
  const { progress } = makeWorld();
  const plan = [
    { id: "speech", title: "Speech", weight: 1 },
    { id: "render", title: "Render", weight: 4 },
  ];
  const { id } = await progress.create({ kind: "video", plan });
  const percents: number[] = [];
  const look = async (): Promise<void> => {
    await pass(150);
    percents.push((await progress.status(id))?.percent ?? 0);
  };
  await progress.run(id, async (job: Reporter) => {
    await job.step("speech", () => {});
    await look();
    await job.step("render", async (step) => {
      for (const done of [10, 60, 30, 249, 5]) {
        step.update({ done, total: 249 });
        await look();
      }
    });
    await look();
  });
  await look();
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  expect(new Set(percents).size).toBeGreaterThan(4);
  expect(percents.filter((percent) => percent === 100)).toHaveLength(1);
  expect(percents.at(-2)).toBe(99);
});

test("fault 15: given an end, it is told once on a stream, and whoever asks again with its cursor is told to stop", async () => {
  const { progress, store, job } = makeWorld();
  const id = await job();
  const sink = await openStream(progress, id);
  store.wakes = "twice";
  await progress.run(id, async () => 1);
  await pass(60_000);
  expect(sink.events.filter(({ event }) => event === "end")).toHaveLength(1);
  const lastId = sink.events.at(-1)?.id ?? "";
  const again = await progress.handle(facts(`/${id}`, { ...STREAM, "last-event-id": lastId }));
  expect(again.status).toBe(204);
});

test("fault 17: given no authorize, there is no server", () => {
  const options = { store: memoryStore() } as unknown as ProgressOptions;
  expect(() => createProgress(options)).toThrow(
    expect.objectContaining({ code: "invalid-option" }),
  );
});

test("fault 17: given somebody else's job, it is neither told nor cancelled, nor betrayed that it is there", async () => {
  const owners = new Map<string | undefined, string>();
  const { progress, job } = makeWorld({
    authorize: ({ jobId, facts: { header } }) => owners.get(jobId) === header("x-user"),
  });
  const id = await job();
  owners.set(id, "an");
  const asked = (target: string, method: string) =>
    progress.handle(facts(target, { ...STREAM, "x-user": "binh" }, { method }));
  for (const [path, method] of [
    ["", "GET"],
    ["/status", "GET"],
    ["/cancel", "POST"],
  ] as const) {
    const mine = await asked(`/${id}${path}`, method);
    expect(mine.status).toBe(403);
    expect(mine).toEqual(await asked(`/nobody${path}`, method));
  }
  expect((await progress.status(id))?.cancelRequested).toBe(false);
});

test("fault 17: given a fault within, neither its words nor CORS headers reach the client", async () => {
  const { progress, store, job } = makeWorld();
  const id = await job();
  store.fail("read");
  const answer = await progress.handle(facts(`/${id}`, STREAM));
  store.heal();
  const state = await progress.run(id, () => {
    throw new Error("connect ECONNREFUSED postgres://admin:secret@db/home/app");
  });
  expect(JSON.stringify([answer, state])).not.toMatch(/secret|ECONN|postgres|\/home|at .*\.ts/);
  expect(Object.keys(answer.headers).join()).not.toMatch(/access-control/);
});

test("fault 19: given a store that doesn't answer, reports wait for nothing, and onError is told", async () => {
  const { progress, store, job, errors } = makeWorld();
  const reporter = await progress.open(await job());
  store.hold("write");
  const steps: string[] = [];
  await reporter.step("work", () => {
    reporter.update({ message: "m" });
    reporter.log("line");
    steps.push("done");
  });
  expect(steps).toEqual(["done"]);
  await pass(11_000);
  expect(errors).toMatchObject([{ code: "store-unavailable" }]);
});
