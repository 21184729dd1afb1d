import { describe, expect, test } from "vitest";
import { connectionFixture, cursorOf, percentIs } from "./support/connection-fixture.js";
import { fakeTime } from "./support/fake-time.js";
import type { ReceivedRequest } from "./support/job-server.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();
const { open, answerStreams, retryNow } = fixture;

describe("a stream that fails", () => {
  test("given a cut, reconnects after the delay with its cursor, and delivers each line once", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    const lines: string[] = [];
    watch.on("log", ({ text }) => lines.push(text));
    await until(watch, percentIs(1));
    fixture.server.write("a", {}, [{ at: 1, level: "info", text: "one" }]);
    const { job } = await until(watch, ({ log }) => log.length === 1);
    expect(job?.percent).toBe(1);
    fixture.server.streams.cut();
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection).toMatchObject({ attempt: 1, transport: "stream" });
    expect(connection.retryAt).toBe(fixture.time.clock() + 1000);
    fixture.server.write("a", { percent: 2 }, [{ at: 2, level: "warn", text: "two" }]);
    fixture.time.advance(999);
    expect(fixture.server.requests).toHaveLength(1);
    fixture.time.advance(1);
    await until(watch, percentIs(2));
    expect(cursorOf(await fixture.server.request(2))).toMatch(/^epoch1\.2$/);
    expect(lines).toEqual(["one", "two"]);
    const live = { status: "live", transport: "stream" };
    expect(watch.getSnapshot().connection).toEqual({ ...live, attempt: 1 });
    fixture.server.write("a", { percent: 3 });
    await until(watch, percentIs(3));
    expect(watch.getSnapshot().connection).toEqual({ ...live, attempt: 0 });
  });

  test("given streams that all fail, waits 1, 2, 4 and 8 s, then polls, and shows no failed job", async () => {
    fixture.server.create("a", { percent: 5 });
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
      waits.push((connection.retryAt ?? 0) - fixture.time.clock());
      fixture.time.advance(waits.at(-1) ?? 0);
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
      "a frame that is not JSON",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end("event: progress\ndata: {\n\n"),
    ],
    [
      "data that are not a delta",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end("event: progress\ndata: {}\n\n"),
    ],
    [
      "a delta without a snapshot before it",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end('event: progress\ndata: {"cursor":"zz.4","set":{"percent":99}}\n\n'),
    ],
    [
      "a field of the wrong type",
      ({ response }: ReceivedRequest) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end('event: snapshot\ndata: {"cursor":"zz.4","reset":true,"set":{"plan":null}}\n\n'),
    ],
  ])("given %s twice, polls, and applies nothing of it", async (_case, answer) => {
    fixture.server.create("a", { percent: 5 });
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

  test("given a stream of another type, says what was expected and what was received", async () => {
    fixture.server.create("a");
    answerStreams(({ response }) => response.writeHead(200, { "content-type": "text/html" }).end());
    const { connection } = await untilStatus(open(), "waiting");
    const { baseUrl } = fixture.server;
    const expectation = "Unexpected response: expected text/event-stream, got text/html";
    expect(connection.error).toMatchObject({
      code: "network",
      retryable: true,
      message: `${expectation} from ${baseUrl}/a (baseUrl: "${baseUrl}")`,
    });
  });

  test("given streams that send only comments, drops each at the limit, and polls after the second", async () => {
    fixture.server.create("a");
    answerStreams(({ response }) =>
      response.writeHead(200, { "content-type": "text/event-stream" }).write(": nothing\n\n"),
    );
    const watch = open({ openTimeoutMs: 10_000 });
    for (const count of [1, 2]) {
      const { gone } = await fixture.server.request(count);
      await until(watch, ({ connection }) => connection.status === "connecting");
      fixture.time.advance(9999);
      expect(watch.getSnapshot().connection.status).toBe("connecting");
      fixture.time.advance(1);
      await retryNow(watch);
      await gone;
    }
    await until(watch, ({ job }) => job !== undefined);
    expect(watch.getSnapshot().connection.transport).toBe("poll");
  });

  test("given a Retry-After, waits at least that long, even after a check", async () => {
    fixture.server.create("a");
    answerStreams(({ response }) => response.writeHead(503, { "retry-after": "7" }).end());
    const watch = open();
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.error).toMatchObject({ code: "network", status: 503, retryable: true });
    expect(connection.retryAt).toBe(fixture.time.clock() + 7000);
    fixture.time.advance(3000);
    watch.refresh();
    expect(watch.getSnapshot().connection.retryAt).toBe(fixture.time.clock() + 4000);
    fixture.server.intercept = undefined;
    fixture.time.advance(4000);
    await untilStatus(watch, "live");
  });

  test.each([
    ["10 years ahead", Date.UTC(2036, 0, 1)],
    ["10 years behind", Date.UTC(2016, 0, 1)],
  ])(
    "given a Retry-After as a date and a device that is %s, waits as long as the server means",
    async (_case, now) => {
      fixture.time = fakeTime(now);
      fixture.server.create("a");
      const [date, retryAfter] = [0, 20_000].map((ms) =>
        new Date(Date.UTC(2026, 0, 1) + ms).toUTCString(),
      );
      answerStreams(({ response }) =>
        response.writeHead(429, { date, "retry-after": retryAfter }).end(),
      );
      const { connection } = await untilStatus(open(), "waiting");
      expect((connection.retryAt ?? 0) - fixture.time.clock()).toBe(20_000);
    },
  );

  test.each([
    ["a date, but no Date", { "retry-after": "Fri, 01 Jan 2100 00:00:00 GMT" }],
    ["no number", { "retry-after": "Infinity" }],
    ["a negative number", { "retry-after": "-5" }],
    ["an empty text", { "retry-after": "" }],
  ])("given a Retry-After with %s, waits as the table says", async (_case, headers) => {
    fixture.server.create("a");
    answerStreams(({ response }) => {
      response.sendDate = false;
      response.writeHead(503, headers).end();
    });
    const { connection } = await untilStatus(open(), "waiting");
    expect((connection.retryAt ?? 0) - fixture.time.clock()).toBe(1000);
  });

  test.each([
    ["stream", 429, { retryAfterMs: 7000 }, 7000],
    ["stream", 503, { retryAfterMs: 2345 }, 2345],
    ["poll", 429, { retryAfterMs: 7000 }, 7000],
    ["poll", 503, { retryAfterMs: 2345 }, 2345],
    ["stream", 503, { retryAfterMs: "soon" }, 1000],
    ["stream", 503, { retryAfterMs: -7000 }, 1000],
    ["stream", 503, { retryAfterMs: 1e12 }, 86_400_000],
  ] as const)(
    "given a %s whose %i has its wait only in the body (%o), waits %i ms",
    async (transport, status, problem, waitMs) => {
      fixture.server.create("a");
      fixture.server.intercept = ({ response }) => {
        response.writeHead(status, { "content-type": "application/problem+json" });
        response.end(JSON.stringify({ code: "draining", ...problem }));
        return true;
      };
      const { connection } = await untilStatus(open({ transport }), "waiting");
      expect(connection.error).toMatchObject({ code: "draining", status, retryable: true });
      expect((connection.retryAt ?? 0) - fixture.time.clock()).toBe(waitMs);
    },
  );

  test("given a Retry-After and a wait in the body, waits for the longer of the two", async () => {
    fixture.server.create("a");
    answerStreams(({ response }) =>
      response.writeHead(503, { "retry-after": "7" }).end('{"retryAfterMs":6400}'),
    );
    const { connection } = await untilStatus(open(), "waiting");
    expect((connection.retryAt ?? 0) - fixture.time.clock()).toBe(7000);
  });

  test("given a retry: above the table, no wait after a failure is shorter", async () => {
    fixture.server.streams.retryMs = 6000;
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    fixture.server.streams.cut();
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.retryAt).toBe(fixture.time.clock() + 6000);
  });
});

describe("silence", () => {
  test("given heartbeats of 10 s, is suspect after 12.5 s and dropped after 25 s of silence", async () => {
    fixture.server.streams.heartbeatMs = 10_000;
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    fixture.time.advance(12_499);
    expect(watch.getSnapshot().connection.status).toBe("live");
    fixture.time.advance(1);
    expect(watch.getSnapshot().connection.status).toBe("suspect");
    expect(watch.getSnapshot().job?.status).toBe("running");
    fixture.time.advance(12_500);
    await untilStatus(watch, "waiting");
  });

  test("given the server's default heartbeats of 15 s, is dropped after 37.5 s of silence", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    fixture.time.advance(18_749);
    expect(watch.getSnapshot().connection.status).toBe("live");
    fixture.time.advance(1);
    expect(watch.getSnapshot().connection.status).toBe("suspect");
    fixture.time.advance(18_750);
    await untilStatus(watch, "waiting");
  });

  test("given heartbeats of 1 s, still allows 20 s of silence", async () => {
    fixture.server.streams.heartbeatMs = 1000;
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    fixture.time.advance(19_999);
    expect(watch.getSnapshot().connection.status).toBe("suspect");
    fixture.time.advance(1);
    await untilStatus(watch, "waiting");
  });

  test("given a comment, which is not an event, counts the stream as live", async () => {
    fixture.server.streams.heartbeatMs = 10_000;
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    fixture.time.advance(20_000);
    expect(watch.getSnapshot().connection.status).toBe("suspect");
    for (const response of fixture.server.streams.responses()) response.write(":\n");
    await untilStatus(watch, "live");
    fixture.time.advance(12_000);
    expect(watch.getSnapshot().connection.status).toBe("live");
  });

  test("given failures, an open does not forget them, but the next heartbeat does", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    fixture.server.streams.cut();
    await retryNow(watch);
    await untilStatus(watch, "live");
    expect(watch.getSnapshot().connection.attempt).toBe(1);
    fixture.server.streams.heartbeat();
    await until(watch, ({ connection }) => connection.attempt === 0);
  });
});
