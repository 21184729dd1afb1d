import { describe, expect, test } from "vitest";
import type { Answer, CorsOptions, RequestFacts } from "../../../src/index.js";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const APP = "https://app.example.com";
const STREAM = { accept: "text/event-stream" };
const PREFLIGHT = { "access-control-request-method": "POST" };

function corsHeadersOf({ headers }: Answer): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith("access-control-")),
  );
}

function contextWith(cors: CorsOptions) {
  const asked: string[] = [];
  const context = makeContext({
    cors,
    maxStreams: 1,
    authorize: ({ action }) => {
      asked.push(action);
      return action !== "remove";
    },
  });
  const preflight = (headers: Record<string, string>, path = "/a") =>
    context.progress.handle(requestFacts(path, headers, { method: "OPTIONS" }));
  return { ...context, asked, preflight };
}

describe("a request of an allowed origin", () => {
  test("given any answer, lets the page read it with ETag and Retry-After", async () => {
    const { progress, createJob, store } = contextWith({ origins: [APP], credentials: true });
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const get = (target: string, headers: Record<string, string> = {}, method = "GET") =>
      progress.handle(requestFacts(target, { origin: APP, ...headers }, { method }));
    const answers = [
      await get(`/${id}`, STREAM),
      await get(`/${id}`, STREAM, "HEAD"),
      await get(`/${id}`),
      await get(`/${id}/status`, { "if-none-match": `W/"${cursor}"` }),
      await get(`/${id}`, STREAM),
      await get(`/${id}`, {}, "DELETE"),
      await get("/unknown"),
      await get("/a b"),
      await get(`/${id}/cancel`, {}, "POST"),
      await get(`/${id}/nothing`),
    ];
    store.fail("read");
    answers.push(await get(`/${id}/status`));
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 200, 304, 429, 403, 404, 400, 202, 404, 503,
    ]);
    expect(answers[0]?.kind).toBe("stream");
    for (const answer of answers) {
      expect(corsHeadersOf(answer)).toEqual({
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "ETag, Retry-After",
      });
      expect(answer.headers.vary).toBe("Accept, Authorization, Cookie, Last-Event-ID, Origin");
    }
  });

  test("given no credentials, does not allow them", async () => {
    const { progress, createJob } = contextWith({ origins: [APP] });
    const answer = await progress.handle(requestFacts(`/${await createJob()}`, { origin: APP }));
    expect(corsHeadersOf(answer)).not.toHaveProperty("access-control-allow-credentials");
  });

  test("given a POST that the browser marks as cross-site, accepts it", async () => {
    const { progress, createJob } = contextWith({ origins: [APP] });
    const headers = { origin: APP, "sec-fetch-site": "cross-site" };
    const facts = requestFacts(`/${await createJob()}/cancel`, headers, { method: "POST" });
    expect((await progress.handle(facts)).status).toBe(202);
  });
});

describe("a preflight", () => {
  test("given an allowed origin, is answered 204 before authorize", async () => {
    const { preflight, asked } = contextWith({ origins: [APP], credentials: true });
    const answer = await preflight({ origin: APP, ...PREFLIGHT });
    expect(answer).toMatchObject({ kind: "body", status: 204, body: null });
    expect(corsHeadersOf(answer)).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, POST, DELETE",
      "access-control-allow-headers": "Authorization, Content-Type, Last-Event-ID, Idempotency-Key",
      "access-control-max-age": "600",
    });
    expect(answer.headers.vary).toContain("Origin");
    expect(asked).toEqual([]);
  });

  test("given maxAgeSeconds, says it", async () => {
    const { preflight } = contextWith({ origins: [APP], maxAgeSeconds: 0 });
    const answer = await preflight({ origin: APP, ...PREFLIGHT });
    expect(answer.headers["access-control-max-age"]).toBe("0");
  });

  test.each([
    ["x-csrf-token", true],
    ["x-a,x-b, X-C", true],
    ["x-a;q=1", false],
    ["x-a\r\nset-cookie: a=b", false],
    ["x-a, ", false],
    ["", false],
    ["x".repeat(501), false],
  ])("given the requested headers %j, allows them: %s", async (requested, isAllowed) => {
    const { preflight } = contextWith({ origins: [APP] });
    const headers = { origin: APP, ...PREFLIGHT, "access-control-request-headers": requested };
    const known = "Authorization, Content-Type, Last-Event-ID, Idempotency-Key";
    expect((await preflight(headers)).headers["access-control-allow-headers"]).toBe(
      isAllowed ? `${known}, ${requested}` : known,
    );
  });

  test.each<[string, Record<string, string>]>([
    ["another origin", { origin: "https://evil.example" }],
    ["an origin that ends like an allowed one", { origin: "https://xapp.example.com" }],
    ["another scheme", { origin: "http://app.example.com" }],
    ["another port", { origin: `${APP}:8443` }],
    ["the origin null", { origin: "null" }],
    ["two origins", { origin: `${APP}, https://evil.example` }],
    ["no origin", {}],
  ])("given %s, is refused without a header of CORS", async (_name, headers) => {
    const { preflight } = contextWith({ origins: [APP] });
    const answer = await preflight({ ...headers, ...PREFLIGHT });
    expect(answer.status).toBe(405);
    expect(corsHeadersOf(answer)).toEqual({});
    expect(answer.headers.vary).toContain("Origin");
  });

  test("given OPTIONS that is no preflight, is refused with 405", async () => {
    const { preflight } = contextWith({ origins: [APP] });
    expect((await preflight({ origin: APP })).status).toBe(405);
  });
});

describe("a request of another origin", () => {
  test("given an origin that is not allowed, answers without a header of CORS", async () => {
    const { progress, createJob } = contextWith({ origins: [APP] });
    const origin = "https://evil.example";
    const answer = await progress.handle(requestFacts(`/${await createJob()}`, { origin }));
    expect(answer.status).toBe(200);
    expect(corsHeadersOf(answer)).toEqual({});
    expect(answer.headers.vary).toContain("Origin");
  });

  test('given "*", lets the page read, and refuses a change', async () => {
    const { progress, createJob, preflight } = contextWith({ origins: ["*"] });
    const id = await createJob();
    const headers = { origin: "https://any.example", "sec-fetch-site": "cross-site" };
    const read = await progress.handle(requestFacts(`/${id}`, headers));
    expect(read.headers["access-control-allow-origin"]).toBe("*");
    expect((await preflight({ ...headers, ...PREFLIGHT })).status).toBe(204);
    const facts = requestFacts(`/${id}/cancel`, headers, { method: "POST" });
    const cancel = await progress.handle(facts);
    expect(bodyOf(cancel)).toMatchObject({ code: "cross-site" });
    expect((await progress.status(id))?.cancelRequested).toBe(false);
  });
});

describe("a function as origins", () => {
  test("given origins in any form, is asked about their normal form", async () => {
    const asked: string[] = [];
    const { preflight } = contextWith({
      origins: (origin) => {
        asked.push(origin);
        return origin.endsWith(".example.com");
      },
    });
    const answer = await preflight({ origin: "HTTPS://APP.example.com:443", ...PREFLIGHT });
    expect(answer.headers["access-control-allow-origin"]).toBe(APP);
    expect((await preflight({ origin: "https://evil.example", ...PREFLIGHT })).status).toBe(405);
    await preflight({ origin: "null", ...PREFLIGHT });
    expect(asked).toEqual([APP, "https://evil.example"]);
  });

  test.each<[string, () => unknown]>([
    [
      "a throw",
      () => {
        throw new Error("secret");
      },
    ],
    ["a promise of true", async () => true],
    ["a rejection", () => Promise.reject(new Error("secret"))],
    ["undefined", () => undefined],
    ["1", () => 1],
  ])("given %s, refuses the origin and tells onError", async (_name, origins) => {
    const { preflight, errors } = contextWith({ origins: origins as () => boolean });
    expect((await preflight({ origin: APP, ...PREFLIGHT })).status).toBe(405);
    expect(errors).toMatchObject([
      { code: "internal", message: expect.stringContaining("cors.origins") },
    ]);
  });
});

test("given no option cors, adds no header of CORS", async () => {
  const { progress, createJob } = makeContext();
  const answer = await progress.handle(requestFacts(`/${await createJob()}`, { origin: APP }));
  expect(corsHeadersOf(answer)).toEqual({});
  expect(answer.headers.vary).not.toContain("Origin");
});

test.each([
  ["no function", undefined],
  ["a function that throws", () => throwFault()],
  ["a function that returns no string", () => 5],
])(
  "given facts of untyped code whose header is %s, handle() resolves with a refusal",
  async (_what, header) => {
    for (const origins of [["*"], [APP]]) {
      const { progress } = makeContext({ cors: { origins } });
      for (const method of ["GET", "OPTIONS"]) {
        const facts = { ...requestFacts("/a"), method, header } as unknown as RequestFacts;
        expect((await progress.handle(facts)).status).toBeGreaterThanOrEqual(400);
      }
    }
  },
);

function throwFault(): never {
  throw new Error("A fault.");
}
