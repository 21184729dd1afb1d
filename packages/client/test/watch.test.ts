import {
  type ErrorCode,
  isProgressError,
  type JobState,
  type JobWatch,
  ProgressError,
  type WatchOptions,
  watchJob,
} from "@emlinh/progress-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type FakeTime, fakeTime } from "./support/fake-time.js";
import { type JobServer, startJobServer } from "./support/job-server.js";
import { until, untilStatus } from "./support/until.js";

let server: JobServer;
let time: FakeTime;
const watches: JobWatch[] = [];
beforeEach(async () => {
  server = await startJobServer();
  time = fakeTime();
});
afterEach(async () => {
  for (const watch of watches.splice(0)) watch.stop();
  await server.close();
});

function make(options: Partial<WatchOptions> = {}): JobWatch {
  const watch = watchJob("a", { baseUrl: server.baseUrl, ...time, random: () => 0, ...options });
  watches.push(watch);
  return watch;
}

const line = (text: string) => ({ at: 1, level: "info", text }) as const;

describe("a job from its beginning to its end", () => {
  test("given a running job, delivers every state in order, and the end once", async () => {
    server.create("a", { percent: 10 });
    const watch = make();
    const seen: string[] = [];
    watch.on("progress", ({ percent, status }) => seen.push(`${status} ${percent}`));
    watch.on("end", ({ status }) => seen.push(`end ${status}`));
    for await (const job of watch) {
      if (job.percent === 10) server.write("a", { percent: 40 });
      if (job.percent === 40)
        server.write("a", { status: "completed", result: { videoUrl: "/v" } });
    }
    expect(seen).toEqual(["running 10", "running 40", "completed 100", "end completed"]);
    await expect(watch.result).resolves.toEqual({ videoUrl: "/v" });
    expect(watch.getSnapshot().connection).toEqual({
      status: "closed",
      attempt: 0,
      transport: "stream",
    });
    expect(time.pending()).toEqual([]);
  });

  test("given a listener for the end that is added after it, calls it once, and does not connect again", async () => {
    server.create("a", { status: "completed", result: 1 });
    const watch = make();
    await watch.result;
    const late = await new Promise<JobState>((resolve) => watch.on("end", resolve));
    expect(late.result).toBe(1);
    const never = vi.fn();
    watch.on("end", never)();
    const told = vi.fn();
    watch.subscribe(told);
    await Promise.resolve();
    expect(never).not.toHaveBeenCalled();
    expect(told.mock.calls).toEqual([[watch.getSnapshot()]]);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ["failed", "job-failed"],
    ["cancelled", "job-cancelled"],
    ["lost", "job-lost"],
    ["timed-out", "job-timed-out"],
  ] as const)(
    "given a job that is %s, the result rejects with %s, and an iteration returns",
    async (status, code) => {
      const error = { code: "no-voice", message: "There is no such voice.", step: "speech" };
      server.create("a", { status, error });
      const watch = make();
      const states: string[] = [];
      for await (const job of watch) states.push(job.status);
      expect(states).toEqual([status]);
      const reason = await watch.result.catch((reason: unknown) => reason);
      expect(isProgressError(reason, code)).toBe(true);
      expect(reason).toMatchObject({
        details: { jobId: "a", error },
        message: `The job "a" ended as ${status}: There is no such voice.`,
      });
    },
  );

  test("given several lines and steps at once, delivers each line and each changed step once", async () => {
    server.create("a", { plan: [{ id: "render", title: "Render", weight: 1 }] });
    const watch = make();
    const seen: unknown[] = [];
    watch.on("log", ({ n, text }) => seen.push([n, text]));
    watch.on("step", (step) => seen.push(step));
    await until(watch, ({ job }) => job !== undefined);
    const render = { status: "running", percent: 50 };
    server.write("a", { "steps.render": render }, [line("one"), line("two")]);
    await until(watch, ({ log }) => log.length === 2);
    server.write("a", { message: "on" }, [line("three")]);
    await until(watch, ({ log }) => log.length === 3);
    expect(seen).toEqual([[1, "one"], [2, "two"], { id: "render", ...render }, [3, "three"]]);
  });

  test("given more lines than are kept, keeps the newest, and delivers all", async () => {
    server.create("a");
    const watch = make({ maxLogLines: 2 });
    const seen: number[] = [];
    watch.on("log", ({ n }) => seen.push(n));
    await until(watch, ({ job }) => job !== undefined);
    for (const text of ["1", "2", "3"]) server.write("a", {}, [line(text)]);
    await until(watch, ({ log }) => log.at(-1)?.n === 3);
    expect(watch.getSnapshot().log.map(({ n }) => n)).toEqual([2, 3]);
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe("an external store", () => {
  test("given no change, returns the same snapshot; given a change, a new one", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    const before = watch.getSnapshot();
    expect(watch.getSnapshot()).toBe(before);
    const snapshots = new Set([before]);
    let calls = 0;
    watch.subscribe(() => {
      calls += 1;
      snapshots.add(watch.getSnapshot());
    });
    await until(watch, ({ job }) => job?.percent === 1);
    const live = watch.getSnapshot();
    server.streams.heartbeat();
    server.write("a", { percent: 2 });
    await until(watch, ({ job }) => job?.percent === 2);
    expect(watch.getSnapshot().connection).toBe(live.connection);
    // The first call tells the snapshot before the first change.
    expect(snapshots.size).toBe(calls);
  });

  test("given no listener, sends no request", () => {
    const watch = make();
    watch.getSnapshot();
    watch.refresh();
    expect(server.requests).toEqual([]);
    expect(time.pending()).toEqual([]);
    expect(watch.getSnapshot().connection.status).toBe("idle");
  });

  test("given a listener after a while without one, continues from the cursor", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    await until(watch, ({ job }) => job?.percent === 1);
    const { gone } = await server.request(1);
    await gone;
    expect(watch.getSnapshot().connection.status).toBe("idle");
    server.write("a", { percent: 2 });
    await until(watch, ({ job }) => job?.percent === 2);
    const request = await server.request(server.requests.length);
    expect(request.url.searchParams.get("after")).toBe("epoch1.1");
  });

  test("given a listener that throws, calls onError, and still calls the others", async () => {
    server.create("a", { percent: 1 });
    const errors: unknown[] = [];
    const watch = make({ onError: (error) => errors.push(error) });
    const bad = new Error("a listener's own");
    watch.on("progress", () => {
      throw bad;
    });
    await new Promise((resolve) => watch.on("progress", resolve));
    expect(errors).toEqual([bad]);
    expect(watch.getSnapshot().connection.status).toBe("live");
  });

  test("given a listener that stops the watch, all listeners get the events in one order", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    const statuses: string[] = [];
    watch.on("connection", ({ status }) => status === "live" && watch.stop());
    watch.on("connection", ({ status }) => statuses.push(status));
    await untilStatus(watch, "closed");
    expect(statuses).toEqual(["connecting", "live", "closed"]);
  });

  test("given a listener that removes another one, does not call the other", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    const second = vi.fn();
    let off = (): void => {};
    watch.on("progress", () => off());
    off = watch.on("progress", second);
    await until(watch, ({ job }) => job?.percent === 1);
    expect(second).not.toHaveBeenCalled();
  });
});

describe("stop and cancel", () => {
  test("given stop, the job goes on, the result rejects with stopped, and iterations return", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    const { result } = watch;
    const iteration = (async () => {
      for await (const job of watch) if (job.percent === 1) watch.stop();
    })();
    await iteration;
    await expect(result).rejects.toMatchObject({ code: "stopped" });
    const { gone } = await server.request(1);
    await gone;
    watch.stop();
    expect(() => watch.refresh()).toThrow(expect.objectContaining({ code: "stopped" }));
    watch.subscribe(() => {});
    expect(server.requests).toHaveLength(1);
    expect(watch.getSnapshot().connection.error?.code).toBe("stopped" satisfies ErrorCode);
    expect(time.pending()).toEqual([]);
  });

  test("given a stop in a listener of the last state, the result is still that of the job", async () => {
    server.create("a", { status: "completed", result: 5 });
    const watch = make();
    watch.on("progress", () => watch.stop());
    await expect(watch.result).resolves.toBe(5);
  });

  test("given a signal, its abort stops the watch; one that is already aborted prevents every request", async () => {
    server.create("a", { percent: 1 });
    const abort = new AbortController();
    const watch = make({ signal: abort.signal });
    await until(watch, ({ job }) => job?.percent === 1);
    abort.abort();
    expect(watch.getSnapshot().connection.status).toBe("closed");
    const dead = make({ signal: abort.signal });
    await expect(dead.result).rejects.toMatchObject({ code: "stopped" });
    expect(server.requests).toHaveLength(1);
  });

  test("given cancel, asks the server, and the watch delivers the end", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    const end = new Promise<JobState>((resolve) => watch.on("end", resolve));
    await until(watch, ({ job }) => job?.percent === 1);
    const reply = await watch.cancel();
    expect(reply).toEqual({ jobId: "a", status: "cancelled", cancelRequested: true });
    expect(await end).toMatchObject({ status: "cancelled", cancelRequested: true });
    const post = server.requests.find(({ method }) => method === "POST");
    expect(post?.url.pathname).toBe("/api/a/cancel");
  });

  test("given a server that fails twice, cancel is sent again", async () => {
    server.create("a");
    let failures = 0;
    server.intercept = ({ method, response }) => {
      if (method !== "POST" || failures === 2) return false;
      failures += 1;
      response.writeHead(503).end();
      return true;
    };
    const watch = make();
    const reply = watch.cancel();
    await time.untilPending(1000);
    time.advance(1000);
    await time.untilPending(2000);
    time.advance(2000);
    expect((await reply).status).toBe("cancelled");
  });

  test("given a 503 that has its wait only in the body, cancel waits that long", async () => {
    server.create("a");
    const posts = () => server.requests.filter(({ method }) => method === "POST");
    server.intercept = ({ method, response }) => {
      if (method !== "POST" || posts().length > 1) return false;
      response.writeHead(503).end('{"code":"store-unavailable","retryAfterMs":7000}');
      return true;
    };
    const reply = make().cancel();
    await time.untilPending(7000);
    time.advance(6999);
    expect(posts()).toHaveLength(1);
    time.advance(1);
    expect((await reply).status).toBe("cancelled");
  });

  test("given a headers function that never resolves, cancel gives up after the limit of each attempt", async () => {
    const refused = make({
      headers: () => new Promise<HeadersInit>(() => {}),
      maxAttempts: 2,
    }).cancel();
    const failed = refused.catch((error: unknown) => error);
    time.advance(30_000);
    await time.untilPending(1000);
    time.advance(1000);
    await time.untilPending(30_000);
    time.advance(30_000);
    expect(await failed).toMatchObject({ code: "network", retryable: true });
    expect(time.pending()).toEqual([]);
  });

  test("given an answer that is not one of the server, cancel rejects", async () => {
    server.create("a");
    server.intercept = ({ response }) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<p>sign in</p>");
      return true;
    };
    await expect(make().cancel()).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("expected jobId and status"),
    });
  });

  test("given a refusal, cancel rejects with its code", async () => {
    const refused = await make()
      .cancel()
      .catch((error: unknown) => error);
    expect(isProgressError(refused, "job-not-found")).toBe(true);
  });

  test("given a result that is not awaited, its rejection is not reported as unhandled", async () => {
    const unhandled: unknown[] = [];
    const collect = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", collect);
    const watch = make();
    void watch.result;
    await untilStatus(watch, "closed");
    // Node reports unhandled rejections after the microtasks, so one turn of the event loop is enough.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", collect);
    expect(unhandled).toEqual([]);
  });
});

describe("an iteration", () => {
  test("given a slow consumer, skips states, but not the last one", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    const states = watch[Symbol.asyncIterator]();
    expect((await states.next()).value).toMatchObject({ percent: 1 });
    for (const percent of [2, 3, 4]) server.write("a", { percent });
    await until(watch, ({ job }) => job?.percent === 4);
    server.write("a", { status: "completed" });
    await untilStatus(watch, "closed");
    expect((await states.next()).value).toMatchObject({ status: "completed" });
    expect(await states.next()).toEqual({ done: true, value: undefined });
  });

  test("given a break, disconnects", async () => {
    server.create("a", { percent: 1 });
    const watch = make();
    for await (const job of watch) if (job) break;
    await Promise.resolve();
    expect(watch.getSnapshot().connection.status).toBe("idle");
  });

  test("given a refusal, throws it", async () => {
    const iterate = async (): Promise<void> => {
      for await (const job of make()) expect(job).toBeUndefined();
    };
    await expect(iterate()).rejects.toBeInstanceOf(ProgressError);
  });
});
