import { describe, expect, test } from "vitest";
import type { Answer } from "../../../src/index.js";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const STREAM = "text/event-stream";

describe("requests", () => {
  const long = "x".repeat(129);
  test.each([
    ["GET", "", "400 invalid-request"],
    ["GET", "/", "400 invalid-request"],
    ["GET", "/?after=a@e.1", "400 invalid-request"],
    ["GET", "/?job=", "400 invalid-request"],
    ["GET", "/?job=a&job=b%20c", "400 invalid-request"],
    ["GET", "/?subject=", "400 invalid-request"],
    ["GET", "/?subject=a%20b", "400 invalid-request"],
    ["GET", "/?subject=a&limit=0", "400 invalid-request"],
    ["GET", "/?subject=a&limit=101", "400 invalid-request"],
    ["GET", "/?subject=a&limit=1.5", "400 invalid-request"],
    ["GET", "/?subject=a&wait=soon", "400 invalid-request"],
    ["GET", "/?subject=a&before=", "400 invalid-request"],
    ["GET", "/?subject=a&before=x&wait=1", "400 invalid-request"],
    ["GET", "/?subject=a&subject=b&before=x", "400 invalid-request"],
    ["POST", "/?job=a", "405 method-not-allowed GET, HEAD"],
    ["DELETE", "/?job=a", "405 method-not-allowed GET, HEAD"],
    ["GET", "/a/updates", "405 method-not-allowed POST"],
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

  test.each(["text/event-stream", "application/json", undefined])(
    "given HEAD with Accept: %s, answers with the status and headers of GET and takes no slot",
    async (accept) => {
      const { progress, store, createJob, setFields } = makeContext();
      const [open, ended] = [await createJob(), await createJob()];
      await setFields(ended, { status: "completed" });
      const end = (await progress.status(ended))?.cursor ?? "";
      const queries = ["", `?after=${end}`, `?after=${end}&wait=20`, "/status"];
      const targets = [open, ended, "unknown", "a b"].flatMap((id) =>
        queries.map((query) => `/${id}${query}`),
      );
      const answer = (method: string) => (target: string) =>
        progress.handle(requestFacts(target, accept === undefined ? {} : { accept }, { method }));
      const heads = await Promise.all(targets.map(answer("HEAD")));
      expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
      expect(store.calls.watch).toBe(0);
      const gets = await Promise.all(targets.map(answer("GET")));
      const headOf = ({ status, headers }: Answer) => ({ status, headers });
      expect(heads.map(headOf)).toEqual(gets.map(headOf));
      for (const head of heads) expect(head).toMatchObject({ kind: "body", body: null });
    },
  );
});

describe("bodies", () => {
  test("given any answer with a whole body, has the time after which an unread one is cut", async () => {
    const { progress, createJob } = makeContext({ stallMs: 7_000 });
    const id = await createJob();
    const requests = [
      requestFacts(`/${id}`),
      requestFacts(`/${id}/status`),
      requestFacts(`/${id}`, { accept: STREAM }, { method: "HEAD" }),
      requestFacts(`/${id}/status`, { "if-none-match": "*" }),
      requestFacts(`/${id}/cancel`, {}, { method: "POST" }),
      requestFacts("/unknown"),
      requestFacts("/a/b/c"),
    ];
    for (const request of requests)
      expect(await progress.handle(request)).toMatchObject({ kind: "body", stallMs: 7_000 });
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
