import { watchJob } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { connectionFixture, percentIs } from "./support/connection-fixture.js";
import type { ReceivedRequest } from "./support/job-server.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();
const { open, retryNow } = fixture;

type Answer = (request: ReceivedRequest) => void;

const answer =
  (status: number, type: string, body: string): Answer =>
  ({ response }) => {
    response.writeHead(status, { "content-type": type }).end(body);
  };

/** Answers of something that is not the server, such as a proxy during a deployment. */
const STRANGERS: readonly (readonly [name: string, answer: Answer])[] = [
  ...[400, 402, 403, 404, 405, 409, 410, 418, 451, 500].map((status): readonly [string, Answer] => [
    `a bare ${status}`,
    ({ response }) => response.writeHead(status).end(),
  ]),
  ["a 304", ({ response }) => response.writeHead(304).end()],
  ["a 404 in HTML", answer(404, "text/html", "<h1>no such app</h1>")],
  [
    "a 403 in JSON with a numeric code and a message that is an object",
    answer(403, "application/json", '{"code":1020,"message":{"en":"denied"},"detail":{}}'),
  ],
  ["a 403 in JSON with a code of ours", answer(403, "application/json", '{"code":"forbidden"}')],
  [
    "a problem with an unknown code",
    answer(404, "application/problem+json", '{"code":"no-healthy-upstream","detail":"x"}'),
  ],
  ["a problem without a code", answer(404, "application/problem+json", '{"status":404}')],
  ["a problem that is not JSON", answer(404, "application/problem+json", '{"code":"job-not')],
  ["a problem that is null", answer(404, "application/problem+json", "null")],
  [
    "a redirect to a login page",
    (request) => {
      if (!request.url.pathname.endsWith("/login"))
        request.response.writeHead(302, { location: "/login" }).end();
      else answer(200, "text/html", "<form>")(request);
    },
  ],
  [
    "a part",
    ({ response }) => response.writeHead(206, { "content-range": "bytes 0-1/9" }).end("{"),
  ],
];

describe("given an answer of a stranger", () => {
  for (const transport of ["stream", "poll"] as const)
    test.each(STRANGERS)(`${transport}: %s is a failure to retry`, async (_name, answer) => {
      fixture.server.create("a", { percent: 1 });
      fixture.server.intercept = (request) => {
        answer(request);
        return true;
      };
      const watch = open({ transport });
      const { connection, job } = await untilStatus(watch, "waiting", "closed");
      expect(connection).toMatchObject({ status: "waiting", attempt: 1 });
      expect(connection.error).toMatchObject({ code: "network", retryable: true });
      expect(connection.error?.message).toContain(fixture.server.baseUrl);
      expect(connection.error?.message).not.toContain("[object");
      expect(job).toBeUndefined();
      fixture.server.intercept = undefined;
      await retryNow(watch);
      await until(watch, percentIs(1));
      expect(watch.getSnapshot().connection.error).toBeUndefined();
    });

  test("a probe that gets it lets the polls go on", async () => {
    fixture.server.create("a", { percent: 1 });
    fixture.answerStreams(({ response }) => response.writeHead(404).end());
    const watch = open({ maxAttempts: 1, probesMs: [5000] });
    await retryNow(watch);
    await until(watch, percentIs(1));
    fixture.time.advance(5000);
    fixture.server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
    expect(watch.getSnapshot().connection.transport).toBe("poll");
  });

  test("cancel sends the request again, and gives the server's answer", async () => {
    fixture.server.create("a");
    let failures = 0;
    fixture.server.intercept = ({ response }) => {
      if (failures === 1) return false;
      failures += 1;
      response.writeHead(404).end("<h1>deploying</h1>");
      return true;
    };
    const watch = watchJob("a", {
      ...fixture.time,
      baseUrl: fixture.server.baseUrl,
      random: () => 0,
    });
    const cancelled = watch.cancel();
    await fixture.time.untilPending(1000);
    fixture.time.advance(1000);
    await expect(cancelled).resolves.toMatchObject({ status: "cancelled" });
  });

  test("a bare 401, for which fresh headers are asked at once and with each attempt, is never final", async () => {
    fixture.server.create("a", { percent: 1 });
    const asked: boolean[] = [];
    fixture.server.intercept = ({ response }) => {
      response.writeHead(401).end();
      return true;
    };
    const watch = open({
      transport: "stream",
      headers: ({ refresh }) => {
        asked.push(refresh);
        return {};
      },
    });
    for (const attempt of [1, 2, 3, 4, 5, 6]) {
      if (attempt > 1) await retryNow(watch);
      await until(watch, ({ connection }) => connection.attempt === attempt);
      const { connection } = watch.getSnapshot();
      expect(connection).toMatchObject({ status: "waiting", error: { status: 401 } });
    }
    expect(asked).toEqual([false, true, true, true, true, true, true]);
    fixture.server.intercept = undefined;
    await retryNow(watch);
    await until(watch, percentIs(1));
  });
});

describe("media types are parsed", () => {
  test.each([
    "TEXT/Event-Stream",
    "text/event-stream;charset=UTF-8",
    ' text/event-stream ; charset="utf-8"; x=y',
    "text/event-stream, text/event-stream",
  ])("given a stream of the type %o, streams", async (type) => {
    fixture.server.create("a", { percent: 1 });
    fixture.answerStreams(({ response }) => {
      response.writeHead(200, { "content-type": type });
      const delta = { cursor: "e.1", reset: true, set: { percent: 7 } };
      response.write(`event: snapshot\ndata: ${JSON.stringify(delta)}\n\n`);
    });
    const { connection } = await until(open(), percentIs(7));
    expect(connection.status).toBe("live");
  });

  test.each(["Application/Problem+JSON", "application/problem+json;charset=utf-8"])(
    "given a refusal of the type %o, closes with its code",
    async (type) => {
      fixture.server.intercept = (request) => {
        answer(404, type, '{"code":"job-not-found","detail":"There is no job a."}')(request);
        return true;
      };
      for (const transport of ["stream", "poll"] as const) {
        const { connection } = await untilStatus(open({ transport }), "closed");
        expect(connection.error).toMatchObject({ code: "job-not-found", status: 404 });
      }
    },
  );
});
