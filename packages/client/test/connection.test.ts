import { isProgressError, watchJob } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { connectionFixture, cursorOf, percentIs } from "./support/connection-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();
const { open, answerStreams, retryNow } = fixture;

describe("the events of a stream", () => {
  test.each([
    ["hello", "{"],
    ["hello", '{"heartbeatMs":"soon","now":"later","protocol":null}'],
    ["heartbeat", "null"],
    ["heartbeat", '{"now":-1}'],
  ])("given a malformed %s of %o, takes it as a sign of life", async (event, data) => {
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    for (const response of fixture.server.streams.responses())
      response.write(`event: ${event}\ndata: ${data}\n\n`);
    fixture.server.write("a", { percent: 2 });
    const { connection } = await until(watch, percentIs(2));
    expect(connection).toEqual({ status: "live", attempt: 0, transport: "stream" });
    expect(fixture.server.requests).toHaveLength(1);
  });

  test.each(["{", "null", '{"retryMs":"soon"}'])(
    "given a bye with the data %o, reconnects within a second",
    async (data) => {
      fixture.server.create("a", { percent: 1 });
      const watch = open();
      await until(watch, percentIs(1));
      for (const response of fixture.server.streams.responses())
        response.end(`event: bye\ndata: ${data}\n\n`);
      const { connection } = await untilStatus(watch, "waiting");
      expect(connection).toMatchObject({ attempt: 0, retryAt: fixture.time.clock() });
    },
  );

  test("given a stop between two received chunks, reads no more, and sets no timer", async () => {
    const delta = { cursor: "e.1", reset: true, set: { percent: 1 } };
    const frames = [`event: snapshot\ndata: ${JSON.stringify(delta)}\n\n`, ": more\n\n"];
    // This body ignores the signal: the received chunks can still be read.
    const body = new ReadableStream({
      start(queue) {
        for (const frame of frames) queue.enqueue(new TextEncoder().encode(frame));
      },
    });
    const headers = { "content-type": "text/event-stream" };
    const watch = open({ fetch: async () => new Response(body, { headers }) });
    watch.on("progress", () => watch.stop());
    await untilStatus(watch, "closed");
    // The second chunk would be read in the following microtasks, so one turn of the event loop is enough.
    await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.time.pending()).toEqual([]);
  });

  test("given a headers function that stops the watch, sends no request, and leaves no timer", async () => {
    fixture.server.create("a");
    const headers = (): HeadersInit => {
      watch.stop();
      return {};
    };
    const watch = watchJob("a", { ...fixture.time, baseUrl: fixture.server.baseUrl, headers });
    watch.subscribe(() => {});
    await untilStatus(watch, "closed");
    await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.server.requests).toEqual([]);
    expect(fixture.time.pending()).toEqual([]);
  });

  test("given bye, reconnects with its cursor by the same transport, and counts no attempt", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open({ random: () => 0.9 });
    await until(watch, percentIs(1));
    fixture.server.streams.bye(250);
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection).toEqual({
      status: "waiting",
      attempt: 0,
      transport: "stream",
      retryAt: fixture.time.clock() + 900,
    });
    fixture.time.advance(900);
    await untilStatus(watch, "live");
    expect(cursorOf(await fixture.server.request(2))).toBe("epoch1.1");
  });

  test.each(["stream", "job"])(
    "given a timeout of the %s, asks again, and follows the answer",
    async (scope) => {
      fixture.server.create("a", { percent: 1 });
      const watch = open();
      await until(watch, percentIs(1));
      answerStreams(({ response }) =>
        response
          .writeHead(410, { "content-type": "application/problem+json" })
          .end(JSON.stringify({ status: 410, code: "job-expired", detail: "The job a is gone." })),
      );
      for (const response of fixture.server.streams.responses())
        response.end(`event: timeout\ndata: ${JSON.stringify({ scope, idleMs: 1 })}\n\n`);
      await retryNow(watch);
      const { connection, job } = await untilStatus(watch, "closed");
      expect(isProgressError(connection.error, "job-expired")).toBe(true);
      expect(job?.status).toBe("running");
    },
  );

  test("given an unknown job, is closed with the code and the detail of the problem", async () => {
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
    fixture.server.create("a", { percent: 1 });
    const asked: boolean[] = [];
    fixture.server.intercept = ({ headers, response }) => {
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

  test("given 401 of the server to fresh headers, too, is closed with its code", async () => {
    fixture.server.create("a");
    fixture.server.intercept = ({ response }) => {
      response.writeHead(401, { "content-type": "application/problem+json" });
      response.end('{"code":"not-authenticated","detail":"The session has ended."}');
      return true;
    };
    const { connection } = await untilStatus(open(), "closed");
    expect(connection.error).toMatchObject({ code: "not-authenticated", status: 401 });
    expect(fixture.server.requests).toHaveLength(2);
  });

  test("given a protocol of the future, is closed and says so", async () => {
    fixture.server.create("a");
    answerStreams(({ response }) =>
      response
        .writeHead(200, { "content-type": "text/event-stream" })
        .write('event: hello\ndata: {"protocol":2}\n\n'),
    );
    const { connection } = await untilStatus(open(), "closed");
    expect(connection.error?.message).toContain("protocol 2");
  });

  test("given 204 before the end, asks for the whole state", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    answerStreams(({ response }) => response.writeHead(204).end());
    fixture.server.streams.cut();
    await retryNow(watch);
    await until(watch, ({ connection }) => connection.attempt === 2);
    fixture.server.intercept = undefined;
    await retryNow(watch);
    const request = await fixture.server.request(3);
    expect(cursorOf(request)).toBeNull();
  });

  test("given unknown events and fields, ignores them", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open();
    await until(watch, percentIs(1));
    for (const response of fixture.server.streams.responses())
      response.write("event: news\ndata: not json\n\ndata: a message\n\nfoo: bar\n\n");
    fixture.server.write("a", { percent: 2, unheardOf: { deep: true } });
    const { connection } = await until(watch, percentIs(2));
    expect(connection.status).toBe("live");
  });

  test("given another epoch, emits reset, shows the lower percent, and delivers lines from 1", async () => {
    fixture.server.create("a", { percent: 80 });
    fixture.server.write("a", {}, [{ at: 1, level: "info", text: "old" }]);
    const watch = open();
    const seen: string[] = [];
    watch.on("log", ({ n, text }) => seen.push(`${n} ${text}`));
    watch.on("reset", ({ percent }) => seen.push(`reset ${percent}`));
    await until(watch, percentIs(80));
    fixture.server.streams.cut();
    fixture.server.create("a", { percent: 3 });
    fixture.server.write("a", {}, [{ at: 1, level: "info", text: "new" }]);
    await retryNow(watch);
    await until(watch, percentIs(3));
    expect(seen).toEqual(["1 old", "reset 3", "1 new"]);
  });
});
