import type { ServerResponse } from "node:http";
import { isProgressError } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { managerFixture } from "./support/manager-fixture.js";

const fixture = managerFixture();
const { make, serveCreate, posts } = fixture;

describe("create", () => {
  test("given an input, posts it as JSON with a key, and returns the watch of the new job", async () => {
    serveCreate();
    const video = await make().create({ topic: "Mùa xuân", duration: 30 });
    expect(video.jobId).toBe("job1");
    const [post] = posts();
    expect(JSON.parse(post?.body ?? "")).toEqual({ topic: "Mùa xuân", duration: 30 });
    expect(post?.headers["content-type"]).toBe("application/json");
    expect(post?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
    fixture.server.write("job1", { status: "completed", result: 7 });
    await expect(video.result).resolves.toBe(7);
  });

  test.each([
    ["before the answer", (response: ServerResponse) => response.destroy()],
    [
      "within the answer's body",
      (response: ServerResponse) => {
        response.writeHead(202, { "content-type": "application/json", "content-length": "20" });
        response.write('{"jobId"', () => response.destroy());
      },
    ],
  ])(
    "given a cut %s, sends the request again with the same key, and there is one job",
    async (_case, cut) => {
      const jobs = serveCreate(({ headers, response }, count) => {
        if (count !== 1) return false;
        jobs.set(String(headers["idempotency-key"]), "job1");
        fixture.server.create("job1");
        cut(response);
        return true;
      });
      const creating = make().create({ topic: "a" });
      await fixture.time.untilPending(1000);
      fixture.time.advance(1000);
      expect((await creating).jobId).toBe("job1");
      const keys = posts().map(({ headers }) => headers["idempotency-key"]);
      expect(keys).toHaveLength(2);
      expect(new Set(keys).size).toBe(1);
    },
  );

  test("given a double click, creates one job; given a later click, another", async () => {
    const jobs = serveCreate();
    const videos = make();
    const [first, second] = [videos.create({ topic: "a" }), videos.create({ topic: "a" })];
    expect(await first).toBe(await second);
    expect((await videos.create({ topic: "a" })).jobId).toBe("job2");
    expect(jobs.size).toBe(2);
  });

  test("given the same key, two calls create one job, whenever they are made", async () => {
    serveCreate();
    const videos = make();
    const first = await videos.create({ topic: "a" }, { key: "k1" });
    const second = await videos.create({ topic: "a" }, { key: "k1" });
    expect(second).toBe(first);
    expect(posts().map(({ headers }) => headers["idempotency-key"])).toEqual(["k1", "k1"]);
  });

  test("given a refusal, rejects with the route's code and detail, and sends one request", async () => {
    serveCreate(({ response }) => {
      const problem = { status: 400, code: "no-topic", detail: "The topic is missing." };
      response
        .writeHead(400, { "content-type": "application/problem+json" })
        .end(JSON.stringify(problem));
      return true;
    });
    const error = await make()
      .create({})
      .catch((error: unknown) => error);
    expect(isProgressError(error, "refused")).toBe(true);
    expect(error).toMatchObject({
      message: "The topic is missing.",
      status: 400,
      details: { status: 400, code: "no-topic" },
      retryable: false,
    });
    expect(posts()).toHaveLength(1);
  });

  test.each<[number, string, object]>([
    [
      400,
      '{"code":"no-topic","message":"No topic.","field":"topic"}',
      {
        code: "refused",
        message: "No topic.",
        retryable: false,
        details: { status: 400, code: "no-topic", message: "No topic.", field: "topic" },
      },
    ],
    [404, "", { code: "refused", retryable: false, details: { status: 404 } }],
    [
      403,
      '{"code":1020,"detail":{"a":1},"status":"error"}',
      {
        code: "refused",
        message: expect.stringContaining("/create-video answered with status 403."),
        details: { status: 403 },
      },
    ],
    [422, '["a"]', { code: "refused", details: { status: 422 } }],
    [429, "", { code: "refused", status: 429, retryable: true }],
    [
      503,
      '{"code":"stopping"}',
      { code: "refused", retryable: true, details: { status: 503, code: "stopping" } },
    ],
    [501, '{"code":"job-not-found"}', { code: "refused", details: { code: "job-not-found" } }],
    [502, "<h1>Bad gateway</h1>", { code: "network", status: 502, retryable: true }],
    [500, '{"message":"oops"}', { code: "network", status: 500, retryable: true }],
  ])("given %d and %o of the app's route, tells them apart", async (status, body, error) => {
    serveCreate(({ response }) => Boolean(response.writeHead(status).end(body)));
    await expect(make({ maxAttempts: 1 }).create({})).rejects.toMatchObject(error);
  });

  test("given a server that is down, rejects after the last attempt with a retryable error", async () => {
    serveCreate(({ response }) => Boolean(response.writeHead(503, { "retry-after": "3" }).end()));
    const creating = make({ maxAttempts: 3 }).create({});
    const failed = creating.catch((error: unknown) => error);
    for (const count of [1, 2]) {
      await fixture.server.request(count);
      await fixture.time.untilPending(3000);
      fixture.time.advance(3000);
    }
    expect(await failed).toMatchObject({ code: "network", status: 503, retryable: true });
    expect(posts()).toHaveLength(3);
  });

  test("given a 429 that has its wait only in the body, waits that long", async () => {
    serveCreate(({ response }) => {
      if (posts().length > 1) return false;
      response.writeHead(429).end('{"code":"too-many-streams","retryAfterMs":7000}');
      return true;
    });
    const creating = make().create({});
    await fixture.time.untilPending(7000);
    fixture.time.advance(6999);
    expect(posts()).toHaveLength(1);
    fixture.time.advance(1);
    expect((await creating).jobId).toBe("job1");
  });

  test("given 401, asks for fresh headers once", async () => {
    serveCreate(({ headers, response }) => {
      if (headers.authorization === "new") return false;
      response.writeHead(401).end();
      return true;
    });
    const videos = make({ headers: ({ refresh }) => ({ authorization: refresh ? "new" : "old" }) });
    expect((await videos.create({})).jobId).toBe("job1");
    expect(posts()).toHaveLength(2);
  });

  test.each(["", "{}", "<p>ok</p>", '{"jobId":7}'])(
    "given 200 and %o, rejects because there is no job id",
    async (body) => {
      serveCreate(({ response }) => Boolean(response.writeHead(200).end(body)));
      await expect(make().create({})).rejects.toMatchObject({
        code: "refused",
        message: expect.stringContaining("jobId"),
      });
    },
  );

  test("given a signal, its abort rejects with its reason and ends the attempts", async () => {
    serveCreate(() => true);
    const abort = new AbortController();
    const creating = make().create({}, { signal: abort.signal });
    const { gone } = await fixture.server.request(1);
    abort.abort(new Error("the user left"));
    await expect(creating).rejects.toThrow("the user left");
    await gone;
    await expect(make().create({}, { signal: abort.signal })).rejects.toThrow("the user left");
    expect(posts()).toHaveLength(1);
    expect(fixture.time.pending()).toEqual([]);
  });

  test("given no createUrl, rejects with an error that names it", async () => {
    await expect(make({ createUrl: undefined }).create({})).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining("createUrl"),
    });
  });
});
