import { describe, expect, test, vi } from "vitest";
import type { JobEnded, ProgressOptions, RequestRefused, StreamClosed } from "../../src/index.js";
import { advance, flushMicrotasks, makeContext, useFakeTime } from "./context.js";
import { requestFacts } from "./requests.js";
import { fakeSink, openStream } from "./streams.js";

useFakeTime();

describe("onStreamOpen", () => {
  test("given streams, is called with the number that is open", async () => {
    const opened: unknown[] = [];
    const { progress, createJob } = makeContext({
      onStreamOpen: (event) => void opened.push(event),
    });
    const id = await createJob();
    const first = await openStream(progress, id);
    await openStream(progress, id);
    first.subscription?.closed();
    await openStream(progress, id);
    expect(opened).toEqual([
      { jobId: id, jobs: 1, subjects: [], streams: 1 },
      { jobId: id, jobs: 1, subjects: [], streams: 2 },
      { jobId: id, jobs: 1, subjects: [], streams: 2 },
    ]);
  });

  test("given a refused stream and a poll, is not called", async () => {
    const onStreamOpen = vi.fn();
    const { progress, createJob } = makeContext({ onStreamOpen });
    const id = await createJob();
    await progress.handle(requestFacts("/unknown", { accept: "text/event-stream" }));
    await progress.handle(requestFacts(`/${id}`, { accept: "application/json" }));
    await flushMicrotasks();
    expect(onStreamOpen).not.toHaveBeenCalled();
  });
});

describe("onStreamClose", () => {
  function closing(options: Partial<ProgressOptions> = {}) {
    const closed: StreamClosed[] = [];
    const context = makeContext({ ...options, onStreamClose: (event) => void closed.push(event) });
    return { ...context, closed };
  }

  test("given a client that leaves, has the reason and the duration, once", async () => {
    const { progress, createJob, closed } = closing();
    const id = await createJob();
    const sink = await openStream(progress, id);
    await advance(1_500);
    sink.subscription?.closed();
    sink.subscription?.closed();
    await flushMicrotasks();
    expect(closed).toEqual([
      { jobId: id, jobs: 1, subjects: [], reason: "client", durationMs: 1_500 },
    ]);
  });

  test("given the end of the job, has the reason end", async () => {
    const { progress, createJob, closed } = closing();
    const id = await createJob();
    await openStream(progress, id);
    await progress.run(id, async () => {});
    await advance(0);
    expect(closed).toMatchObject([{ reason: "end" }]);
  });

  test.each<[reason: string, options: Partial<ProgressOptions>, ms: number]>([
    ["age", { maxAgeMs: 60_000 }, 61_000],
    ["timeout", { idleTimeoutMs: 60_000 }, 61_000],
    ["auth", { authorize: () => ({ allow: true, until: Date.now() + 30_000 }) }, 31_000],
  ])("given %s, has that reason", async (reason, options, ms) => {
    const { progress, createJob, closed } = closing(options);
    await openStream(progress, await createJob());
    await advance(ms);
    expect(closed).toMatchObject([{ reason }]);
  });

  test("given a reader that takes no bytes, has the reason slow", async () => {
    const { progress, createJob, closed } = closing();
    await openStream(progress, await createJob(), { sink: fakeSink(1) });
    await advance(31_000);
    expect(closed).toMatchObject([{ reason: "slow" }]);
  });

  test("given a drain, has the reason drain", async () => {
    const { progress, createJob, closed } = closing();
    await openStream(progress, await createJob());
    const drained = progress.drain({ spreadMs: 10 });
    await advance(100);
    await drained;
    expect(closed).toMatchObject([{ reason: "drain" }]);
  });

  test("given a drain whose reader does not read, has the reason drain", async () => {
    const { progress, createJob, closed } = closing();
    await openStream(progress, await createJob(), { sink: fakeSink(1) });
    const drained = progress.drain({ spreadMs: 10, timeoutMs: 50 });
    await advance(100);
    await drained;
    expect(closed).toMatchObject([{ reason: "drain" }]);
  });

  test("given a removed job, has the reason removed", async () => {
    const { progress, createJob, closed, store } = closing();
    const id = await createJob();
    await openStream(progress, id);
    await store.remove(id);
    await advance(0);
    expect(closed).toMatchObject([{ reason: "removed" }]);
  });

  test("given a state that can't be sent, has the reason failed", async () => {
    const { progress, createJob, closed, store } = closing();
    const { read } = store;
    store.read = async (...args) => {
      const delta = await read(...args);
      return delta && { ...delta, set: { ...delta.set, "metadata.odd": 1n as unknown as number } };
    };
    const sink = await openStream(progress, await createJob());
    expect(sink.destroyed).toBe(true);
    expect(closed).toMatchObject([{ reason: "failed" }]);
  });
});

describe("onJobEnd", () => {
  function ending() {
    const ended: JobEnded[] = [];
    return { ...makeContext({ onJobEnd: (job) => void ended.push(job) }), ended };
  }

  test("given run and a reporter, has the status and the kind, once per job", async () => {
    const { progress, createJob, ended } = ending();
    const [a, b, c] = [await createJob(), await createJob(), await createJob()];
    await progress.run(a, async () => {});
    await progress.run(b, async () => Promise.reject(new Error("no")));
    const reporter = await progress.open(c);
    await reporter.end("timed-out");
    await advance(0);
    expect(ended).toEqual([
      { jobId: a, status: "completed", kind: "test" },
      { jobId: b, status: "failed", kind: "test" },
      { jobId: c, status: "timed-out", kind: "test" },
    ]);
  });

  test("given end and a cancel of a queued job, has the status", async () => {
    const { progress, createJob, ended } = ending();
    const [a, b] = [await createJob(), await createJob()];
    await progress.end(a, "lost");
    await progress.cancel(b);
    await progress.cancel(b);
    await flushMicrotasks();
    expect(ended).toEqual([
      { jobId: a, status: "lost" },
      { jobId: b, status: "cancelled", kind: "test" },
    ]);
  });

  test("given an end by another process, a requeue and a refused end, is not called", async () => {
    const { progress, createJob, ended, setFields } = ending();
    const [a, b] = [await createJob(), await createJob()];
    await progress.open(a);
    await setFields(a, { status: "failed" });
    await (await progress.open(b)).requeue();
    await expect(progress.end(a, "lost")).rejects.toMatchObject({ code: "job-finished" });
    await advance(100);
    expect(ended).toEqual([]);
  });

  test("given a sweep that ends jobs, is called for each, once", async () => {
    const { progress, ended } = ending();
    const { id } = await progress.create({ kind: "test", deadlineMs: 1_000 });
    await progress.sweep();
    await advance(2_000);
    await progress.sweep();
    await progress.sweep();
    await flushMicrotasks();
    expect(ended).toEqual([{ jobId: id, status: "timed-out" }]);
    expect(progress.metrics().endedJobs["timed-out"]).toBe(1);
  });

  test("given a supervisor that ends a job under work, is called once", async () => {
    const { progress, createJob, ended } = ending();
    const id = await createJob();
    const reporter = await progress.open(id);
    await progress.end(id, "failed");
    await expect(reporter.complete(null)).rejects.toMatchObject({ code: "job-finished" });
    await advance(100);
    expect(ended).toEqual([{ jobId: id, status: "failed" }]);
  });
});

describe("onRefusal", () => {
  test.each<[request: string, target: string, method: string, expected: RequestRefused]>([
    [
      "an unknown job",
      "/none",
      "GET",
      { code: "job-not-found", status: 404, action: "watch", jobId: "none" },
    ],
    ["an unknown path", "/a/b/c", "GET", { code: "not-found", status: 404 }],
    [
      "an action that is not allowed",
      "/none",
      "DELETE",
      { code: "forbidden", status: 403, action: "remove", jobId: "none" },
    ],
    ["a sweep", "/cleanup", "POST", { code: "forbidden", status: 403, action: "cleanup" }],
  ])(
    "given %s, has the code, the status and the question",
    async (_name, target, method, expected) => {
      const refused: RequestRefused[] = [];
      const { progress } = makeContext({ onRefusal: (event) => void refused.push(event) });
      await progress.handle(requestFacts(target, {}, { method }));
      await flushMicrotasks();
      expect(refused).toEqual([expected]);
    },
  );

  test("given a page of another site, has the code cross-site and the question", async () => {
    const onRefusal = vi.fn();
    const { progress } = makeContext({ onRefusal });
    const headers = { "sec-fetch-site": "cross-site" };
    await progress.handle(requestFacts("/j/cancel", headers, { method: "POST" }));
    await flushMicrotasks();
    const event = { code: "cross-site", status: 403, action: "cancel", jobId: "j" };
    expect(onRefusal.mock.calls).toEqual([[event]]);
  });

  test("given a client that left, is not called", async () => {
    const onRefusal = vi.fn();
    const { progress } = makeContext({ onRefusal, authorize: () => new Promise(() => {}) });
    const client = new AbortController();
    const answer = progress.handle(requestFacts("/j", {}, { signal: client.signal }));
    client.abort();
    expect((await answer).status).toBe(499);
    await flushMicrotasks();
    expect(onRefusal).not.toHaveBeenCalled();
  });
});

describe("a hook that fails", () => {
  const failing: [how: string, hook: () => unknown][] = [
    [
      "throws",
      () => {
        throw new Error("of the hook");
      },
    ],
    ["rejects", async () => Promise.reject(new Error("of the hook"))],
  ];

  test.each(failing)(
    "given a hook that %s, serves all the same and tells onError",
    async (_how, hook) => {
      const names = ["onStreamOpen", "onStreamClose", "onJobEnd", "onRefusal"] as const;
      const hooks = Object.fromEntries(names.map((name) => [name, hook]));
      const { progress, createJob, errors } = makeContext(hooks);
      const id = await createJob();
      const sink = await openStream(progress, id);
      await progress.handle(requestFacts("/unknown"));
      await progress.run(id, async () => {});
      await advance(0);
      expect(sink.events.at(-1)?.event).toBe("end");
      expect(progress.metrics()).toMatchObject({ streams: 0, slots: 0, reporters: 0 });
      expect(errors.map(({ code, message }) => `${code}: ${message}`).sort()).toEqual(
        [...names].sort().map((name) => `internal: The hook ${name} failed.`),
      );
      expect(errors[0]?.cause).toMatchObject({ message: "of the hook" });
    },
  );

  test("given a hook and an onError that throw, serves all the same", async () => {
    const fail = () => {
      throw new Error("no");
    };
    const { progress, createJob } = makeContext({ onStreamOpen: fail, onError: fail });
    const sink = await openStream(progress, await createJob());
    await flushMicrotasks();
    expect(sink.events.map(({ event }) => event)).toEqual(["hello", "snapshot"]);
  });

  test("given a hook that never resolves, does not wait for it", async () => {
    const forever = () => new Promise<void>(() => {});
    const { progress, createJob } = makeContext({ onStreamClose: forever, onJobEnd: forever });
    const id = await createJob();
    await openStream(progress, id);
    expect(await progress.run(id, async () => {})).toMatchObject({ status: "completed" });
    await advance(0);
    await progress.drain();
  });

  test("given a hook that calls the library, is called when the event is over", async () => {
    const open: number[] = [];
    const context = makeContext({
      onStreamClose: () => {
        open.push(context.progress.metrics().streams);
        void context.progress.close();
      },
    });
    const sink = await openStream(context.progress, await context.createJob());
    sink.subscription?.closed();
    await flushMicrotasks();
    expect(open).toEqual([0]);
  });

  test.each(["onStreamOpen", "onStreamClose", "onJobEnd", "onRefusal"])(
    "given a %s that is no function, throws invalid-option",
    (name) => {
      expect(() => makeContext({ [name]: "log" })).toThrow(
        `createProgress: ${name} is "log"; it must be a function.`,
      );
    },
  );
});
