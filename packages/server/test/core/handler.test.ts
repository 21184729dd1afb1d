import { describe, expect, test } from "vitest";
import type { Answer, Authorize, RequestFacts } from "../../src/index.js";
import { facts, makeWorld, useFakeTime, type World } from "./kit.js";

useFakeTime();

const STREAM = "text/event-stream";
const STATES = ["unknown", "queued", "running", "ended", "expired"] as const;
type State = (typeof STATES)[number];

/** A job in each of the states in which a request may find it. */
async function jobIn(world: World, state: State): Promise<string> {
  if (state === "unknown") return "nobody";
  const id = await world.job();
  if (state === "running") await world.set(id, { status: "running" });
  if (state === "ended") await world.set(id, { status: "completed", result: 1 });
  if (state === "expired") await world.store.sweep(Number.MAX_SAFE_INTEGER, 10);
  return id;
}

const problem = (answer: Answer): unknown =>
  answer.kind === "body" ? JSON.parse(answer.body ?? "null") : undefined;

type Row = Record<State, number | string>;

/** What each request is answered in each state: the status, and for a refusal its code. */
const TABLE: Record<
  string,
  { request(id: string): Partial<RequestFacts> & { accept?: string; target: string }; rows: Row }
> = {
  stream: {
    request: (id) => ({ target: `/${id}`, accept: STREAM }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
  delta: {
    request: (id) => ({ target: `/${id}`, accept: "application/json" }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
  status: {
    request: (id) => ({ target: `/${id}/status` }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
  cancel: {
    request: (id) => ({ target: `/${id}/cancel`, method: "POST" }),
    rows: {
      unknown: "404 job-not-found",
      queued: 202,
      running: 202,
      ended: 202,
      expired: "410 job-expired",
    },
  },
  remove: {
    request: (id) => ({ target: `/${id}`, method: "DELETE" }),
    rows: {
      unknown: "404 job-not-found",
      queued: "409 job-not-finished",
      running: "409 job-not-finished",
      ended: 204,
      expired: "410 job-expired",
    },
  },
  "long poll": {
    request: (id) => ({ target: `/${id}?wait=5` }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
};

function factsOf(
  request: { accept?: string; target: string } & Partial<RequestFacts>,
): RequestFacts {
  const { accept, target, ...more } = request;
  return facts(target, accept === undefined ? {} : { accept }, more);
}

describe("every request in every state", () => {
  for (const [name, { request, rows }] of Object.entries(TABLE)) {
    test.each(STATES)(
      `given ${name} of a job that is %s, answers as the table says`,
      async (state) => {
        const world = makeWorld({ authorize: () => true });
        const answer = await world.progress.handle(factsOf(request(await jobIn(world, state))));
        const expected = String(rows[state]);
        expect(String(answer.status)).toBe(expected.split(" ")[0]);
        const code = expected.split(" ")[1];
        if (code !== undefined)
          expect(problem(answer)).toMatchObject({ code, type: "about:blank" });
      },
    );
  }

  test.each(STATES)(
    "given a decision against it, tells nothing of a job that is %s",
    async (state) => {
      const world = makeWorld({ authorize: () => false });
      const answers = [];
      for (const { request } of Object.values(TABLE))
        answers.push(await world.progress.handle(factsOf(request(await jobIn(world, state)))));
      for (const answer of answers) {
        expect(answer.status).toBe(403);
        expect(problem(answer)).toEqual({
          type: "about:blank",
          title: "Not allowed",
          status: 403,
          detail: "The request is not allowed.",
          code: "forbidden",
        });
      }
    },
  );

  test("given a decision against it, doesn't look the job up", async () => {
    const { progress, store, job } = makeWorld({ authorize: () => ({ allow: false }) });
    const id = await job();
    for (const { request } of Object.values(TABLE)) await progress.handle(factsOf(request(id)));
    expect(store.calls).toMatchObject({ read: 0, watch: 0, write: 0 });
  });
});

describe("what the app decides", () => {
  const asked: [name: string, authorize: Authorize, status: number, code: string | undefined][] = [
    ["true", () => true, 200, undefined],
    ["a promise of true", async () => true, 200, undefined],
    ["until later", () => ({ allow: true, until: 1_700_000_000_001 }), 200, undefined],
    ["false", () => false, 403, "forbidden"],
    ["no reason", () => ({ allow: false }), 403, "forbidden"],
    ["forbidden", () => ({ allow: false, reason: "forbidden" }), 403, "forbidden"],
    [
      "not-authenticated",
      () => ({ allow: false, reason: "not-authenticated" }),
      401,
      "not-authenticated",
    ],
    ["until now", () => ({ allow: true, until: 1_700_000_000_000 }), 401, "not-authenticated"],
    [
      "a throw",
      () => {
        throw new Error("SELECT * FROM users");
      },
      500,
      "internal",
    ],
    ["a rejection", () => Promise.reject(new Error("/etc/passwd")), 500, "internal"],
    ["nothing", (() => undefined) as unknown as Authorize, 500, "internal"],
    ["a text", (() => "yes") as unknown as Authorize, 500, "internal"],
    ["until NaN", () => ({ allow: true, until: Number.NaN }), 500, "internal"],
  ];

  test.each(asked)("given %s, answers so", async (_name, authorize, status, code) => {
    const { progress, job, errors } = makeWorld({ authorize });
    const answer = await progress.handle(facts(`/${await job()}`));
    expect(answer.status).toBe(status);
    if (code !== undefined) expect(problem(answer)).toMatchObject({ code, status });
    expect(errors.map((error) => error.code)).toEqual(code === "internal" ? ["internal"] : []);
  });

  test("given a throw, tells onError the cause and the client nothing of it", async () => {
    const cause = new Error("SELECT * FROM users");
    const { progress, job, errors } = makeWorld({ authorize: () => Promise.reject(cause) });
    const answer = await progress.handle(facts(`/${await job()}`));
    expect(JSON.stringify(answer)).not.toContain("SELECT");
    expect(errors[0]?.cause).toBe(cause);
  });

  test("given a request, is told the action, the job and the framework's own request", async () => {
    const questions: unknown[] = [];
    const { progress } = makeWorld({
      authorize: ({ action, jobId, facts: { raw } }) => {
        questions.push([action, jobId, raw]);
        return false;
      },
    });
    await progress.handle(facts("/a", {}, { raw: 1 }));
    await progress.handle(facts("/a/status", {}, { raw: 2 }));
    await progress.handle(facts("/a/cancel", {}, { raw: 3, method: "POST" }));
    await progress.handle(facts("/cleanup", {}, { raw: 4, method: "POST" }));
    expect(questions).toEqual([
      ["watch", "a", 1],
      ["watch", "a", 2],
      ["cancel", "a", 3],
      ["cleanup", undefined, 4],
    ]);
  });

  test("given allowAnyone, cleans up for nobody", async () => {
    const { progress, store } = makeWorld();
    const answer = await progress.handle(facts("/cleanup", {}, { method: "POST" }));
    expect(answer.status).toBe(403);
    expect(store.calls.sweep).toBe(0);
  });

  test("given a permission by name, cleans up and tells the counts", async () => {
    const { progress } = makeWorld({ authorize: ({ action }) => action === "cleanup" });
    const answer = await progress.handle(facts("/cleanup", {}, { method: "POST" }));
    expect(answer.status).toBe(200);
    expect(problem(answer)).toEqual({ stale: 0, lost: 0, timedOut: 0, expired: 0, more: false });
  });
});

describe("requests that are none", () => {
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
  ])("given %s %s, refuses it before anybody is asked", async (method, target, expected) => {
    const { progress, store } = makeWorld({
      authorize: () => {
        throw new Error("asked");
      },
    });
    const answer = await progress.handle(facts(target, {}, { method }));
    const [status, code, ...allow] = expected.split(" ");
    expect(String(answer.status)).toBe(status);
    expect(problem(answer)).toMatchObject({ code });
    expect(answer.headers.allow ?? "").toBe(allow.join(" "));
    expect(store.calls).toMatchObject({ read: 0, watch: 0 });
  });

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
    const { progress, job } = makeWorld();
    const answer = await progress.handle(
      facts(`/${await job()}`, accept === undefined ? {} : { accept }),
    );
    const what =
      answer.kind === "stream" ? "stream" : answer.status === 200 ? "json" : `${answer.status}`;
    expect(what).toBe(expected);
  });

  test("given a trailing slash, takes it for the same path", async () => {
    const { progress, job } = makeWorld();
    expect((await progress.handle(facts(`/${await job()}/`))).status).toBe(200);
  });

  test("given a job that is named cleanup, tells it", async () => {
    const { progress, job } = makeWorld();
    await job("cleanup");
    expect((await progress.handle(facts("/cleanup/status"))).status).toBe(200);
    expect((await progress.handle(facts("/cleanup"))).status).toBe(200);
  });

  test("given HEAD, answers as to GET without a body, and never with a stream", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    for (const target of [`/${id}`, `/${id}/status`, "/unknown"]) {
      const head = await progress.handle(
        facts(target, { accept: `${STREAM}, */*` }, { method: "HEAD" }),
      );
      const get = await progress.handle(facts(target));
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

  test("given any answer, are the common ones, and never Connection", async () => {
    const { progress, job } = makeWorld();
    const id = await job();
    const requests = [
      facts(`/${id}`, { accept: STREAM }),
      facts(`/${id}`),
      facts(`/${id}/status`),
      facts(`/${id}/status`, { "if-none-match": "*" }),
      facts(`/${id}/cancel`, {}, { method: "POST" }),
      facts("/unknown"),
      facts("/a/b/c"),
    ];
    for (const request of requests) {
      const { headers } = await progress.handle(request);
      expect(headers).toMatchObject(COMMON);
      expect(Object.keys(headers)).not.toContain("connection");
    }
  });

  test("given a stream, keep proxies from buffering it", async () => {
    const { progress, job } = makeWorld();
    const { headers } = await progress.handle(facts(`/${await job()}`, { accept: STREAM }));
    expect(headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
    });
  });

  test("given a refusal, call it problem+json", async () => {
    const { headers } = await makeWorld().progress.handle(facts("/unknown"));
    expect(headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  });
});

describe("cursors and tags", () => {
  test("given Last-Event-ID, takes it before ?after=, unless it is empty", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const first = (await progress.status(id))?.cursor ?? "";
    await set(id, { message: "m" });
    const second = (await progress.status(id))?.cursor ?? "";
    const target = `/${id}?after=${first}`;
    const byHeader = await progress.handle(facts(target, { "last-event-id": second }));
    expect(problem(byHeader)).toMatchObject({ cursor: second, set: {} });
    const byQuery = await progress.handle(facts(target, { "last-event-id": "" }));
    expect(problem(byQuery)).toMatchObject({ set: { message: "m" } });
  });

  test.each(["", "nonsense", "other.3", ".1", "a.b.c", "ü.1", "x".repeat(5000)])(
    "given the cursor %j, answers with the snapshot",
    async (cursor) => {
      const { progress, job } = makeWorld();
      const id = await job();
      const query = new URLSearchParams({ after: cursor });
      const json = await progress.handle(facts(`/${id}`, {}, { query }));
      expect(problem(json)).toMatchObject({ reset: true });
      const stream = await progress.handle(facts(`/${id}`, { accept: STREAM }, { query }));
      expect(stream.status).toBe(200);
    },
  );

  test("given the cursor of the end, answers 204 to the stream, and done to the poll", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    await set(id, { status: "cancelled" });
    const cursor = (await progress.status(id))?.cursor ?? "";
    const stream = await progress.handle(
      facts(`/${id}`, { accept: STREAM, "last-event-id": cursor }),
    );
    expect(stream).toMatchObject({ kind: "body", status: 204, body: null });
    expect(progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
    const poll = await progress.handle(facts(`/${id}?after=${cursor}`));
    expect(problem(poll)).toEqual({ cursor, set: {}, done: true, now: 1_700_000_000_000 });
  });

  test("given a delta that isn't the end, is not done", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const cursor = (await progress.status(id))?.cursor ?? "";
    await set(id, {}, ["line"]);
    expect(problem(await progress.handle(facts(`/${id}?after=${cursor}`)))).not.toHaveProperty(
      "done",
    );
  });

  test("given an If-None-Match that names the state, answers 304; a snapshot is never empty", async () => {
    const { progress, job, set } = makeWorld();
    const id = await job();
    const cursor = (await progress.status(id))?.cursor ?? "";
    const match = { "if-none-match": `"other", W/"${cursor}"` };
    for (const target of [`/${id}/status`, `/${id}?after=${cursor}`]) {
      const answer = await progress.handle(facts(target, match));
      expect(answer).toMatchObject({ status: 304, body: null, headers: { etag: `W/"${cursor}"` } });
    }
    expect((await progress.handle(facts(`/${id}`, match))).status).toBe(200);
    await set(id, { message: "m" });
    expect((await progress.handle(facts(`/${id}/status`, match))).status).toBe(200);
  });
});

describe("cancel", () => {
  test("given a queued job, ends it at once; asked again, answers the same", async () => {
    const { progress, job, store } = makeWorld();
    const id = await job();
    const post = () => progress.handle(facts(`/${id}/cancel`, {}, { method: "POST" }));
    const first = await post();
    expect(problem(first)).toEqual({ jobId: id, status: "cancelled", cancelRequested: true });
    expect(await post()).toEqual(first);
    expect(store.calls.write).toBe(1);
  });

  test("given a running job, asks its worker once, and says so", async () => {
    const { progress, job, set, store } = makeWorld();
    const id = await job();
    await set(id, { status: "running" });
    const post = () => progress.handle(facts(`/${id}/cancel`, {}, { method: "POST" }));
    expect(problem(await post())).toEqual({ jobId: id, status: "running", cancelRequested: true });
    await post();
    expect(store.calls.write).toBe(2);
  });

  test("given a job that ends while it is cancelled, tells its end", async () => {
    const { progress, job, set, store } = makeWorld();
    const id = await job();
    await set(id, { status: "running" });
    const release = store.holdAnswersOf("read");
    const answering = progress.cancel(id);
    await set(id, { status: "completed" });
    release();
    expect(await answering).toMatchObject({ status: "completed", cancelRequested: false });
  });
});

describe("a store that is away", () => {
  test.each(Object.entries(TABLE))(
    "given %s, answers 503 without the driver's words",
    async (_name, { request }) => {
      const { progress, job, store, errors } = makeWorld({ authorize: () => true });
      const id = await job();
      store.fail("read");
      const answer = await progress.handle(factsOf(request(id)));
      expect(answer.status).toBe(503);
      expect(problem(answer)).toMatchObject({ code: "store-unavailable" });
      expect(JSON.stringify(answer)).not.toContain("secret");
      expect(answer.headers["retry-after"]).toBe("3");
      expect(String(errors[0]?.cause)).toContain("ECONNRESET");
    },
  );
});
