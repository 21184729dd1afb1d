import { describe, expect, test } from "vitest";
import type { Authorize } from "../../../src/index.js";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const THEN = "then";
const thrower = () => {
  throw new Error("SELECT * FROM users");
};

describe("authorize", () => {
  type Case = [name: string, authorize: Authorize, status: number, code: string | undefined];
  const decisions: Case[] = [
    ["true", () => true, 200, undefined],
    ["a promise of true", async () => true, 200, undefined],
    [
      "a permission that ends later",
      () => ({ allow: true, until: 1_700_000_000_001 }),
      200,
      undefined,
    ],
    ["a principal", () => ({ allow: true, principal: "x".repeat(256) }), 200, undefined],
    ["false", () => false, 403, "forbidden"],
    ["a refusal without a reason", () => ({ allow: false }), 403, "forbidden"],
    ["a refusal as forbidden", () => ({ allow: false, reason: "forbidden" }), 403, "forbidden"],
    [
      "a refusal as not-authenticated",
      () => ({ allow: false, reason: "not-authenticated" }),
      401,
      "not-authenticated",
    ],
    [
      "a permission that ends now",
      () => ({ allow: true, until: 1_700_000_000_000 }),
      401,
      "not-authenticated",
    ],
    [
      "a throw",
      () => {
        throw new Error("SELECT * FROM users");
      },
      500,
      "internal",
    ],
    ["a rejection", () => Promise.reject(new Error("/etc/passwd")), 500, "internal"],
    ["undefined", (() => undefined) as unknown as Authorize, 500, "internal"],
    ["a string", (() => "yes") as unknown as Authorize, 500, "internal"],
    ["a permission until NaN", () => ({ allow: true, until: Number.NaN }), 500, "internal"],
    ...[
      { allow: false, reason: "toString" },
      { allow: false, reason: "constructor" },
      { allow: false, reason: "__proto__" },
      { allow: false, reason: "internal" },
      { allow: false, reason: 401 },
      { allow: true, until: "2030-01-01" },
      { allow: true, until: new Date() },
      { allow: true, principal: "" },
      { allow: true, principal: null },
      { allow: true, principal: 42 },
      { allow: true, principal: "x".repeat(257) },
      { allow: "false" },
      { allow: 1 },
      [true],
      Symbol("yes"),
      Object.create(null),
      Object.defineProperty({}, "allow", { get: thrower }),
      Object.fromEntries([[THEN, thrower]]),
    ].map(
      (odd, index): Case => [
        `the odd decision ${index}`,
        (() => odd) as unknown as Authorize,
        500,
        "internal",
      ],
    ),
  ];

  test.each(decisions)(
    "given %s, answers with the status of this decision",
    async (_name, authorize, status, code) => {
      const { progress, createJob, errors } = makeContext({ authorize });
      const answer = await progress.handle(requestFacts(`/${await createJob()}`));
      expect(answer.status).toBe(status);
      if (code !== undefined) expect(bodyOf(answer)).toMatchObject({ code, status });
      expect(errors.map((error) => error.code)).toEqual(code === "internal" ? ["internal"] : []);
    },
  );

  test("given an error, passes it to onError as the cause and sends nothing of it to the client", async () => {
    const cause = new Error("SELECT * FROM users");
    const { progress, createJob, errors } = makeContext({ authorize: () => Promise.reject(cause) });
    const answer = await progress.handle(requestFacts(`/${await createJob()}`));
    expect(JSON.stringify(answer)).not.toContain("SELECT");
    expect(errors[0]?.cause).toBe(cause);
  });

  test("given a request, receives the action, the job id and the framework's request", async () => {
    const calls: unknown[] = [];
    const { progress } = makeContext({
      authorize: ({ action, jobId, facts: { raw } }) => {
        calls.push([action, jobId, raw]);
        return false;
      },
    });
    await progress.handle(requestFacts("/a", {}, { raw: 1 }));
    await progress.handle(requestFacts("/a/status", {}, { raw: 2 }));
    await progress.handle(requestFacts("/a/cancel", {}, { raw: 3, method: "POST" }));
    await progress.handle(requestFacts("/cleanup", {}, { raw: 4, method: "POST" }));
    expect(calls).toEqual([
      ["watch", "a", 1],
      ["watch", "a", 2],
      ["cancel", "a", 3],
      ["cleanup", undefined, 4],
    ]);
  });

  test("given allowAnyone, refuses cleanup", async () => {
    const { progress, store } = makeContext();
    const answer = await progress.handle(requestFacts("/cleanup", {}, { method: "POST" }));
    expect(answer.status).toBe(403);
    expect(store.calls.sweep).toBe(0);
  });

  test("given a permission for cleanup, sweeps and answers with the counts", async () => {
    const { progress } = makeContext({ authorize: ({ action }) => action === "cleanup" });
    const answer = await progress.handle(requestFacts("/cleanup", {}, { method: "POST" }));
    expect(answer.status).toBe(200);
    expect(bodyOf(answer)).toEqual({ stale: 0, lost: 0, timedOut: 0, expired: 0, more: false });
  });
});
