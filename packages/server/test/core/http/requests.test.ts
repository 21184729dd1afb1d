import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const STREAM = "text/event-stream";

describe("requests", () => {
  const long = "x".repeat(129);
  test.each([
    ["GET", "", "404 not-found"],
    ["GET", "/", "404 not-found"],
    ["GET", "/?job=a&job=b", "404 not-found"],
    ["POST", "/a/updates", "404 not-found"],
    ["GET", "/a/other", "404 not-found"],
    ["GET", "/a/status/more", "404 not-found"],
    ["GET", "/a//status", "404 not-found"],
    ["POST", "/a", "405 method-not-allowed GET, HEAD, DELETE"],
    ["PUT", "/a", "405 method-not-allowed GET, HEAD, DELETE"],
    ["DELETE", "/a/status", "405 method-not-allowed GET, HEAD"],
    ["OPTIONS", "/a/status", "405 method-not-allowed GET, HEAD"],
    ["GET", "/a/cancel", "405 method-not-allowed POST"],
    ["GET", `/${long}`, "400 invalid-request"],
    ["GET", "/a%2Fb", "400 invalid-request"],
    ["GET", "/..%2f..%2fetc", "400 invalid-request"],
    ["GET", "/%E0%A4%A", "400 invalid-request"],
    ["GET", "/a%0Ab", "400 invalid-request"],
    ["GET", "/a?wait=soon", "400 invalid-request"],
    ["GET", "/a?wait=-1", "400 invalid-request"],
    ["GET", "/a?wait=1e9", "400 invalid-request"],
  ])(
    "given the invalid request %s %s, refuses it without calling authorize",
    async (method, target, expected) => {
      const { progress, store } = makeContext({
        authorize: () => {
          throw new Error("authorize was called");
        },
      });
      const answer = await progress.handle(requestFacts(target, {}, { method }));
      const [status, code, ...allow] = expected.split(" ");
      expect(String(answer.status)).toBe(status);
      expect(bodyOf(answer)).toMatchObject({ code });
      expect(answer.headers.allow ?? "").toBe(allow.join(" "));
      expect(store.calls).toMatchObject({ read: 0, watch: 0 });
    },
  );

  test.each([
    [undefined, "json"],
    ["", "json"],
    ["*/*", "json"],
    ["application/json", "json"],
    ["application/*;q=0.5", "json"],
    ["text/html, */*;q=0.1", "json"],
    ["text/event-stream", "stream"],
    ["TEXT/Event-Stream; charset=utf-8", "stream"],
    ["application/json, text/event-stream", "stream"],
    ["text/event-stream;q=0, application/json", "json"],
    ["text/html", "406"],
    ["application/json;q=0", "406"],
    ["text/*", "406"],
  ])("given Accept: %s, answers with %s", async (accept, expected) => {
    const { progress, createJob } = makeContext();
    const answer = await progress.handle(
      requestFacts(`/${await createJob()}`, accept === undefined ? {} : { accept }),
    );
    const kind =
      answer.kind === "stream" ? "stream" : answer.status === 200 ? "json" : `${answer.status}`;
    expect(kind).toBe(expected);
  });

  test("given a trailing slash, answers as for the path without it", async () => {
    const { progress, createJob } = makeContext();
    expect((await progress.handle(requestFacts(`/${await createJob()}/`))).status).toBe(200);
  });

  test("given a job with the id cleanup, answers with its state", async () => {
    const { progress, createJob } = makeContext();
    await createJob("cleanup");
    expect((await progress.handle(requestFacts("/cleanup/status"))).status).toBe(200);
    expect((await progress.handle(requestFacts("/cleanup"))).status).toBe(200);
  });

  test("given HEAD, answers as to GET without a body, and never with a stream", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    for (const target of [`/${id}`, `/${id}/status`, "/unknown"]) {
      const head = await progress.handle(
        requestFacts(target, { accept: `${STREAM}, */*` }, { method: "HEAD" }),
      );
      const get = await progress.handle(requestFacts(target));
      expect(head).toEqual({ ...get, body: null });
    }
  });
});

describe("headers", () => {
  const COMMON = {
    "cache-control": "no-store, no-transform",
    "x-content-type-options": "nosniff",
    vary: "Accept, Authorization, Cookie, Last-Event-ID",
  };

  test("given any answer, include the common ones and never Connection", async () => {
    const { progress, createJob } = makeContext();
    const id = await createJob();
    const requests = [
      requestFacts(`/${id}`, { accept: STREAM }),
      requestFacts(`/${id}`),
      requestFacts(`/${id}/status`),
      requestFacts(`/${id}/status`, { "if-none-match": "*" }),
      requestFacts(`/${id}/cancel`, {}, { method: "POST" }),
      requestFacts("/unknown"),
      requestFacts("/a/b/c"),
    ];
    for (const request of requests) {
      const { headers } = await progress.handle(request);
      expect(headers).toMatchObject(COMMON);
      expect(Object.keys(headers)).not.toContain("connection");
    }
  });

  test("given a stream, include those that disable buffering by proxies", async () => {
    const { progress, createJob } = makeContext();
    const { headers } = await progress.handle(
      requestFacts(`/${await createJob()}`, { accept: STREAM }),
    );
    expect(headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
    });
  });

  test("given a refusal, name problem+json as the content type", async () => {
    const { headers } = await makeContext().progress.handle(requestFacts("/unknown"));
    expect(headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  });
});
