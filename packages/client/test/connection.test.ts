import {
  isProgressError,
  type JobWatch,
  type PageEvent,
  type WatchOptions,
  watchJob,
} from "@emlinh/progress-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeTime, fakeTime } from "./support/fake-time.js";
import { type JobServer, type ReceivedRequest, startJobServer } from "./support/job-server.js";
import { until, untilStatus } from "./support/until.js";

let server: JobServer;
let time: FakeTime;
let watches: JobWatch[] = [];
beforeEach(async () => {
  server = await startJobServer();
  time = fakeTime();
});
afterEach(async () => {
  for (const watch of watches) watch.stop();
  watches = [];
  await server.close();
});

/** A watch of the job "a" that somebody listens to. */
function open(options: Partial<WatchOptions> = {}): JobWatch {
  const watch = watchJob("a", { baseUrl: server.baseUrl, ...time, random: () => 0, ...options });
  watch.subscribe(() => {});
  watches.push(watch);
  return watch;
}

const percentIs =
  (percent: number) => (snapshot: { job: { percent: number | null } | undefined }) =>
    snapshot.job?.percent === percent;
const after = (request: ReceivedRequest): string | null => request.url.searchParams.get("after");

/** Answers every stream so, and leaves polls to the server. */
function answerStreams(answer: (request: ReceivedRequest) => void): void {
  server.intercept = (request) => {
    if (request.accept !== "stream") return false;
    answer(request);
    return true;
  };
}

/** Fires the wait that is pending, once the watch waits. */
async function retryNow(watch: JobWatch): Promise<void> {
  const { connection } = await untilStatus(watch, "waiting");
  time.advance((connection.retryAt ?? 0) - time.clock());
}

describe("a stream that fails", () => {
  test("given a cut, comes back after the delay with its cursor, and tells each line once", async () => {
    server.create("a", { percent: 1 });
    const watch = open();
    const lines: string[] = [];
    watch.on("log", ({ text }) => lines.push(text));
    await until(watch, percentIs(1));
    server.write("a", {}, [{ at: 1, level: "info", text: "one" }]);
    const { job } = await until(watch, ({ log }) => log.length === 1);
    expect(job?.percent).toBe(1);
    server.cut();
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection).toMatchObject({ attempt: 1, transport: "stream" });
    expect(connection.retryAt).toBe(time.clock() + 1000);
    server.write("a", { percent: 2 }, [{ at: 2, level: "warn", text: "two" }]);
    time.advance(999);
    expect(server.requests).toHaveLength(1);
    time.advance(1);
    await until(watch, percentIs(2));
    expect(after(await server.request(2))).toMatch(/^epoch1\.2$/);
    expect(lines).toEqual(["one", "two"]);
    expect(watch.getSnapshot().connection).toEqual({
      status: "live",
      attempt: 0,
      transport: "stream",
    });
  });

  test("given that the stream never works, waits 1, 2, 4, 8 s, then polls, and the job is never painted failed", async () => {
    server.create("a", { percent: 5 });
    answerStreams(({ response }) => response.destroy());
    const watch = open();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const { connection, job } = await until(
        watch,
        (snapshot) =>
          snapshot.connection.status === "waiting" && snapshot.connection.attempt === attempt,
      );
      expect(job).toBeUndefined();
      waits.push((connection.retryAt ?? 0) - time.clock());
      time.advance(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 1000]);
    const { connection, job } = await until(watch, percentIs(5));
    expect(connection).toEqual({ status: "polling", attempt: 0, transport: "poll" });
    expect(job?.status).toBe("running");
  });

  test.each([
    [
      "HTML with 200",
      (request: ReceivedRequest) =>
        request.response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
    ],
    [
      "a frame that is no JSON",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end("event: progress\ndata: {\n\n"),
    ],
    [
      "a delta that is none",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end("event: progress\ndata: {}\n\n"),
    ],
    [
      "a delta without anything before it",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end('event: progress\ndata: {"cursor":"zz.4","set":{"percent":99}}\n\n'),
    ],
    [
      "a field of the wrong shape",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end('event: snapshot\ndata: {"cursor":"zz.4","reset":true,"set":{"plan":null}}\n\n'),
    ],
  ])("given %s twice, polls, and takes nothing of it in", async (_what, answer) => {
    server.create("a", { percent: 5 });
    answerStreams(answer);
    const watch = open();
    await retryNow(watch);
    const { connection } = await until(
      watch,
      ({ connection }) => connection.status === "waiting" && connection.attempt === 2,
    );
    expect(connection.transport).toBe("poll");
    expect(watch.getSnapshot().job).toBeUndefined();
    await retryNow(watch);
    await until(watch, percentIs(5));
  });

  test("given a stream that stays mute, or only comments, gives it up at the limit, and polls after the second", async () => {
    server.create("a");
    answerStreams(({ response }) =>
      response.writeHead(200, { "content-type": "text/event-stream" }).write(": nothing\n\n"),
    );
    const watch = open({ openTimeoutMs: 10_000 });
    for (const count of [1, 2]) {
      const { gone } = await server.request(count);
      await until(watch, ({ connection }) => connection.status === "connecting");
      time.advance(9999);
      expect(watch.getSnapshot().connection.status).toBe("connecting");
      time.advance(1);
      await retryNow(watch);
      await gone;
    }
    await until(watch, ({ job }) => job !== undefined);
    expect(watch.getSnapshot().connection.transport).toBe("poll");
  });

  test("given a Retry-After, waits at least so long, and a check doesn't hasten it", async () => {
    server.create("a");
    answerStreams(({ response }) => response.writeHead(503, { "retry-after": "7" }).end());
    const watch = open();
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.error).toMatchObject({ code: "refused", status: 503, retryable: true });
    expect(connection.retryAt).toBe(time.clock() + 7000);
    time.advance(3000);
    watch.refresh();
    expect(watch.getSnapshot().connection.retryAt).toBe(time.clock() + 4000);
    server.intercept = undefined;
    time.advance(4000);
    await untilStatus(watch, "live");
  });

  test("given a Retry-After as a date, waits until then", async () => {
    time = fakeTime(Date.UTC(2026, 0, 1));
    server.create("a");
    const date = new Date(time.clock() + 20_000).toUTCString();
    answerStreams(({ response }) => response.writeHead(429, { "retry-after": date }).end());
    const { connection } = await untilStatus(open(), "waiting");
    expect((connection.retryAt ?? 0) - time.clock()).toBe(20_000);
  });

  test("given a retry: above the table, no wait after a failure is shorter", async () => {
    server.retryMs = 6000;
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    server.cut();
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.retryAt).toBe(time.clock() + 6000);
  });
});

describe("silence", () => {
  test("given heartbeats of 10 s, is suspect after 12.5 s and dropped after 25 s of silence", async () => {
    server.heartbeatMs = 10_000;
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    time.advance(12_499);
    expect(watch.getSnapshot().connection.status).toBe("live");
    time.advance(1);
    expect(watch.getSnapshot().connection.status).toBe("suspect");
    expect(watch.getSnapshot().job?.status).toBe("running");
    time.advance(12_500);
    await untilStatus(watch, "waiting");
  });

  test("given heartbeats of 1 s, allows 20 s all the same", async () => {
    server.heartbeatMs = 1000;
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    time.advance(19_999);
    expect(watch.getSnapshot().connection.status).toBe("suspect");
    time.advance(1);
    await untilStatus(watch, "waiting");
  });

  test("given a comment, which is no event, the stream lives", async () => {
    server.heartbeatMs = 10_000;
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    time.advance(20_000);
    expect(watch.getSnapshot().connection.status).toBe("suspect");
    for (const response of server.streams()) response.write(":\n");
    await untilStatus(watch, "live");
    time.advance(12_000);
    expect(watch.getSnapshot().connection.status).toBe("live");
  });

  test("given failures, an open doesn't forget them, and 30 s of health do", async () => {
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    server.cut();
    await retryNow(watch);
    await untilStatus(watch, "live");
    expect(watch.getSnapshot().connection.attempt).toBe(1);
    time.advance(30_000);
    server.heartbeat();
    await until(watch, ({ connection }) => connection.attempt === 0);
  });
});

describe("what the server says", () => {
  test("given a stop in the midst of what came, reads no more, and sets no timer", async () => {
    const delta = { cursor: "e.1", reset: true, set: { percent: 1 } };
    const frames = [`event: snapshot\ndata: ${JSON.stringify(delta)}\n\n`, ": more\n\n"];
    // One that doesn't care for its signal: what was received is there to be read.
    const body = new ReadableStream({
      start(queue) {
        for (const frame of frames) queue.enqueue(new TextEncoder().encode(frame));
      },
    });
    const headers = { "content-type": "text/event-stream" };
    const watch = open({ fetch: async () => new Response(body, { headers }) });
    watch.on("progress", () => watch.stop());
    await untilStatus(watch, "closed");
    // The second chunk is read in the microtasks that follow: a turn of the event loop is what is awaited here.
    await new Promise((resolve) => setImmediate(resolve));
    expect(time.pending()).toEqual([]);
  });

  test("given bye, comes back with its cursor, on the same transport, and spends no attempt", async () => {
    server.create("a", { percent: 1 });
    const watch = open({ random: () => 0.9 });
    await until(watch, percentIs(1));
    server.bye(250);
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection).toEqual({
      status: "waiting",
      attempt: 0,
      transport: "stream",
      retryAt: time.clock() + 900,
    });
    time.advance(900);
    await untilStatus(watch, "live");
    expect(after(await server.request(2))).toBe("epoch1.1");
  });

  test.each(["stream", "job"])(
    "given a timeout of the %s, asks again, and the answer decides",
    async (scope) => {
      server.create("a", { percent: 1 });
      const watch = open();
      await until(watch, percentIs(1));
      answerStreams(({ response }) =>
        response
          .writeHead(410, { "content-type": "application/problem+json" })
          .end(JSON.stringify({ status: 410, code: "job-expired", detail: "The job a is gone." })),
      );
      for (const response of server.streams())
        response.end(`event: timeout\ndata: ${JSON.stringify({ scope, idleMs: 1 })}\n\n`);
      await retryNow(watch);
      const { connection, job } = await untilStatus(watch, "closed");
      expect(isProgressError(connection.error, "job-expired")).toBe(true);
      expect(job?.status).toBe("running");
    },
  );

  test("given a job that isn't there, is closed with the problem's own words", async () => {
    const watch = open();
    const { connection } = await untilStatus(watch, "closed");
    expect(connection.error).toMatchObject({
      code: "job-not-found",
      status: 404,
      message: "There is no job a.",
    });
    await expect(watch.result).rejects.toMatchObject({ code: "job-not-found" });
  });

  test("given 401, asks for fresh headers once and goes on", async () => {
    server.create("a", { percent: 1 });
    const asked: boolean[] = [];
    server.intercept = ({ headers, response }) => {
      if (headers.authorization === "Bearer fresh") return false;
      response.writeHead(401).end();
      return true;
    };
    const watch = open({
      headers: async ({ refresh }) => {
        asked.push(refresh);
        return { authorization: `Bearer ${refresh ? "fresh" : "old"}` };
      },
    });
    await until(watch, percentIs(1));
    expect(asked).toEqual([false, true]);
  });

  test("given 401 to fresh headers, too, is closed as refused", async () => {
    server.create("a");
    server.intercept = ({ response }) => {
      response.writeHead(401).end();
      return true;
    };
    const { connection } = await untilStatus(open(), "closed");
    expect(connection.error).toMatchObject({ code: "refused", status: 401 });
    expect(server.requests).toHaveLength(2);
  });

  test("given headers that can't be had, tries again", async () => {
    server.create("a", { percent: 1 });
    let calls = 0;
    const watch = open({
      headers: () => {
        calls += 1;
        if (calls === 1) throw new Error("the token server is down");
        return { "x-token": "1" };
      },
    });
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.error?.cause).toMatchObject({ message: "the token server is down" });
    await retryNow(watch);
    await until(watch, percentIs(1));
    expect(server.requests[0]?.headers["x-token"]).toBe("1");
  });

  test("given a protocol of the future, is closed and says so", async () => {
    server.create("a");
    answerStreams(({ response }) =>
      response
        .writeHead(200, { "content-type": "text/event-stream" })
        .write('event: hello\ndata: {"protocol":2}\n\n'),
    );
    const { connection } = await untilStatus(open(), "closed");
    expect(connection.error?.message).toContain("protocol 2");
  });

  test("given 204 without having the end, starts over with the whole state", async () => {
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    answerStreams(({ response }) => response.writeHead(204).end());
    server.cut();
    await retryNow(watch);
    await until(watch, ({ connection }) => connection.attempt === 2);
    server.intercept = undefined;
    await retryNow(watch);
    const request = await server.request(3);
    expect(after(request)).toBeNull();
  });

  test("given events and members that nobody knows, ignores them", async () => {
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    for (const response of server.streams())
      response.write("event: news\ndata: not json\n\ndata: a message\n\nfoo: bar\n\n");
    server.write("a", { percent: 2, unheardOf: { deep: true } });
    const { connection } = await until(watch, percentIs(2));
    expect(connection.status).toBe("live");
  });

  test("given another incarnation of the job, tells a reset, takes the lower percent, and counts lines anew", async () => {
    server.create("a", { percent: 80 });
    server.write("a", {}, [{ at: 1, level: "info", text: "old" }]);
    const watch = open();
    const told: string[] = [];
    watch.on("log", ({ n, text }) => told.push(`${n} ${text}`));
    watch.on("reset", ({ percent }) => told.push(`reset ${percent}`));
    await until(watch, percentIs(80));
    server.cut();
    server.create("a", { percent: 3 });
    server.write("a", {}, [{ at: 1, level: "info", text: "new" }]);
    await retryNow(watch);
    await until(watch, percentIs(3));
    expect(told).toEqual(["1 old", "reset 3", "1 new"]);
  });
});

describe("polling", () => {
  test("given transport poll, holds the request, and asks again with the new cursor", async () => {
    server.create("a", { percent: 1 });
    const watch = open({ transport: "poll" });
    await until(watch, percentIs(1));
    time.advance(500);
    const held = await server.request(2);
    expect(held.accept).toBe("json");
    expect(held.url.searchParams.get("wait")).toBe("20");
    expect(after(held)).toBe("epoch1.1");
    server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
    server.write("a", { status: "completed", result: "done" });
    time.advance(500);
    await expect(watch.result).resolves.toBe("done");
    expect(watch.getSnapshot().connection).toEqual({
      status: "closed",
      attempt: 0,
      transport: "poll",
    });
  });

  test("given a server that doesn't hold, asks at an interval from the third answer on", async () => {
    server.create("a", { percent: 1 });
    server.intercept = ({ url, response }) => {
      const body = { ...server.read("a", url.searchParams.get("after") ?? ""), now: time.clock() };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
      return true;
    };
    const watch = open({ transport: "poll" });
    await until(watch, percentIs(1));
    for (const [count, gapMs] of [500, 500, 500, 2000, 2000].entries()) {
      await time.untilPending(gapMs);
      time.advance(gapMs);
      await server.request(count + 2);
    }
    expect(server.requests.at(-1)?.url.searchParams.has("wait")).toBe(false);
  });

  test("given a poll that is never answered, gives it up and tries again", async () => {
    server.create("a", { percent: 1 });
    server.intercept = () => true;
    const watch = open({ transport: "poll" });
    const { gone } = await server.request(1);
    time.advance(30_000);
    await gone;
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.error?.message).toContain("30000 ms");
    server.intercept = undefined;
    await retryNow(watch);
    await until(watch, percentIs(1));
  });

  test("given HTML in place of a poll's answer, tries again", async () => {
    server.create("a", { percent: 1 });
    server.intercept = ({ response }) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<p>sign in</p>");
      return true;
    };
    const watch = open({ transport: "poll" });
    await untilStatus(watch, "waiting");
    server.intercept = undefined;
    await retryNow(watch);
    await until(watch, percentIs(1));
  });

  test("given a stream that works again, changes over without a gap while polls go on until then", async () => {
    server.create("a", { percent: 1 });
    answerStreams(({ response }) => response.writeHead(200, { "content-type": "text/html" }).end());
    const watch = open();
    const states: string[] = [];
    watch.on("connection", ({ status, transport }) => states.push(`${status} ${transport}`));
    await retryNow(watch);
    await until(watch, ({ connection }) => connection.transport === "poll");
    await retryNow(watch);
    await until(watch, percentIs(1));
    time.advance(500);
    const poll = await server.request(4);
    expect(poll.accept).toBe("json");
    let deliver = (): void => {};
    answerStreams((request) => {
      deliver = () => server.stream(request, "a");
    });
    time.advance(29_000);
    const probe = await server.request(5);
    expect([probe.accept, after(probe)]).toEqual(["stream", "epoch1.1"]);
    // The probe is open and silent: the poll still brings the news.
    server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
    expect(watch.getSnapshot().connection.status).toBe("polling");
    deliver();
    await untilStatus(watch, "live");
    server.write("a", { percent: 3 });
    await until(watch, percentIs(3));
    expect(states.at(-1)).toBe("live stream");
  });
});

describe("the life of a page", () => {
  let tell: (event: PageEvent) => void;
  const page = (listener: (event: PageEvent) => void): (() => void) => {
    tell = listener;
    return () => {
      tell = () => {};
    };
  };

  test("given a network that goes and comes back, spends no attempt and looks at once", async () => {
    server.create("a", { percent: 1 });
    const watch = open({ page });
    await until(watch, percentIs(1));
    tell("offline");
    server.cut();
    await until(watch, ({ connection }) => connection.error !== undefined);
    expect(watch.getSnapshot().connection).toMatchObject({ status: "offline", attempt: 0 });
    time.advance(600_000);
    expect(server.requests).toHaveLength(1);
    server.write("a", { percent: 2 });
    tell("check");
    await until(watch, percentIs(2));
  });

  test("given no network from the beginning, says so, and tries all the same", async () => {
    server.create("a", { percent: 1 });
    const watch = open({
      page: (listener) => {
        listener("offline");
        return () => {};
      },
    });
    expect(watch.getSnapshot().connection.status).toBe("offline");
    await until(watch, percentIs(1));
    expect(watch.getSnapshot().connection.status).toBe("live");
  });

  test("given offline and a stream that goes on all the same, believes the stream", async () => {
    server.create("a", { percent: 1 });
    const watch = open({ page });
    await until(watch, percentIs(1));
    tell("offline");
    expect(watch.getSnapshot().connection.status).toBe("offline");
    server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
    expect(watch.getSnapshot().connection.status).toBe("live");
    expect(server.requests).toHaveLength(1);
  });

  test("given a pause, lets the connection go; back, goes on from its cursor", async () => {
    server.create("a", { percent: 1 });
    const watch = open({ page });
    await until(watch, percentIs(1));
    const { gone } = await server.request(1);
    tell("pause");
    expect(watch.getSnapshot().connection.status).toBe("paused");
    await gone;
    server.write("a", { percent: 2 });
    tell("check");
    await until(watch, percentIs(2));
    expect(after(await server.request(2))).toBe("epoch1.1");
  });

  test("given a wait, a page that is back doesn't sit it out", async () => {
    server.create("a", { percent: 1 });
    server.retryMs = 1;
    const watch = open({ page });
    await until(watch, percentIs(1));
    server.cut();
    await untilStatus(watch, "waiting");
    time.advance(10);
    tell("check");
    await untilStatus(watch, "live");
  });

  test("given a sleep, notices it by the clock and drops the stream that slept with it", async () => {
    server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    const { gone } = await server.request(1);
    time.sleep(3_600_000);
    time.advance(5000);
    await gone;
    await server.request(2);
    server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
  });

  test("given a sleep while it connects, begins anew, and spends no attempt", async () => {
    server.create("a", { percent: 1 });
    answerStreams(() => {});
    const watch = open();
    const { gone } = await server.request(1);
    server.intercept = undefined;
    time.sleep(3_600_000);
    time.advance(5000);
    await gone;
    const { connection } = await until(watch, percentIs(1));
    expect(connection).toEqual({ status: "live", attempt: 0, transport: "stream" });
  });

  test("given a page that shows itself while a request is slow, lets the request go on", async () => {
    server.create("a", { percent: 1 });
    answerStreams(() => {});
    open({ page });
    await server.request(1);
    for (const at of [4000, 8000, 9999]) {
      time.advance(at - (time.clock() - 1_700_000_000_000));
      tell("check");
    }
    expect(server.requests).toHaveLength(1);
  });

  test("given a listener that comes back in the same breath, keeps the connection", async () => {
    server.create("a", { percent: 1 });
    const watch = watchJob("a", { baseUrl: server.baseUrl, ...time });
    watches.push(watch);
    const leave = watch.subscribe(() => {});
    await until(watch, percentIs(1));
    leave();
    leave();
    const stay = watch.subscribe(() => {});
    await Promise.resolve();
    await Promise.resolve();
    expect(watch.getSnapshot().connection.status).toBe("live");
    stay();
    await Promise.resolve();
    expect(watch.getSnapshot().connection.status).toBe("idle");
    const { gone } = await server.request(1);
    await gone;
    expect(server.requests).toHaveLength(1);
    expect(time.pending()).toEqual([]);
  });
});
