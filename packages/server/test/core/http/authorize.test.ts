import { describe, expect, test } from "vitest";
import type { Authorize } from "../../../src/index.js";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

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
    const { progress, createJob, errors } = makeContext({ authorize });
    const answer = await progress.handle(requestFacts(`/${await createJob()}`));
    expect(answer.status).toBe(status);
    if (code !== undefined) expect(bodyOf(answer)).toMatchObject({ code, status });
    expect(errors.map((error) => error.code)).toEqual(code === "internal" ? ["internal"] : []);
  });

  test("given a throw, tells onError the cause and the client nothing of it", async () => {
    const cause = new Error("SELECT * FROM users");
    const { progress, createJob, errors } = makeContext({ authorize: () => Promise.reject(cause) });
    const answer = await progress.handle(requestFacts(`/${await createJob()}`));
    expect(JSON.stringify(answer)).not.toContain("SELECT");
    expect(errors[0]?.cause).toBe(cause);
  });

  test("given a request, is told the action, the job and the framework's own request", async () => {
    const questions: unknown[] = [];
    const { progress } = makeContext({
      authorize: ({ action, jobId, facts: { raw } }) => {
        questions.push([action, jobId, raw]);
        return false;
      },
    });
    await progress.handle(requestFacts("/a", {}, { raw: 1 }));
    await progress.handle(requestFacts("/a/status", {}, { raw: 2 }));
    await progress.handle(requestFacts("/a/cancel", {}, { raw: 3, method: "POST" }));
    await progress.handle(requestFacts("/cleanup", {}, { raw: 4, method: "POST" }));
    expect(questions).toEqual([
      ["watch", "a", 1],
      ["watch", "a", 2],
      ["cancel", "a", 3],
      ["cleanup", undefined, 4],
    ]);
  });

  test("given allowAnyone, cleans up for nobody", async () => {
    const { progress, store } = makeContext();
    const answer = await progress.handle(requestFacts("/cleanup", {}, { method: "POST" }));
    expect(answer.status).toBe(403);
    expect(store.calls.sweep).toBe(0);
  });

  test("given a permission by name, cleans up and tells the counts", async () => {
    const { progress } = makeContext({ authorize: ({ action }) => action === "cleanup" });
    const answer = await progress.handle(requestFacts("/cleanup", {}, { method: "POST" }));
    expect(answer.status).toBe(200);
    expect(bodyOf(answer)).toEqual({ stale: 0, lost: 0, timedOut: 0, expired: 0, more: false });
  });
});
