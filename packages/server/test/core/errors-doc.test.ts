import { readFileSync } from "node:fs";
import type { ErrorCode } from "@emlinh/progress-protocol";
import { expect, test } from "vitest";
import { refusalAnswer } from "../../src/core/http/refusal.js";

/**
 * Every code with the HTTP status of its answer; `undefined` for codes that are never sent. A new code does not compile
 * until it is added here.
 */
const CODES: Record<ErrorCode, number | undefined> = {
  "invalid-request": 400,
  "not-authenticated": 401,
  forbidden: 403,
  "cross-site": 403,
  "authorize-timed-out": 503,
  "not-found": 404,
  "job-not-found": 404,
  "job-expired": 410,
  "method-not-allowed": 405,
  "not-acceptable": 406,
  "too-many-streams": 429,
  draining: 503,
  "store-unavailable": 503,
  internal: 500,
  "invalid-change": undefined,
  "too-large": 413,
  "job-finished": 409,
  "job-not-finished": 409,
  "attempt-superseded": 409,
  "job-held": 409,
  "hold-lost": 409,
  "store-full": undefined,
  "store-misconfigured": undefined,
  "invalid-option": undefined,
  closed: undefined,
  "job-failed": undefined,
  "job-cancelled": undefined,
  "job-lost": undefined,
  "job-timed-out": undefined,
  network: undefined,
  refused: undefined,
  stopped: undefined,
};

const DOC = new URL("../../../../docs/errors.md", import.meta.url);
const rows = readFileSync(DOC, "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, code, status, when, remedy] = line.split("|").map((cell) => cell.trim());
    return /^`[a-z-]+`$/.test(code ?? "")
      ? [{ code: code?.slice(1, -1), status, when, remedy }]
      : [];
  });

test("given the union of codes, docs/errors.md has one row for each", () => {
  expect(rows.map(({ code }) => code).sort()).toEqual(Object.keys(CODES).sort());
  for (const { when, remedy } of rows) {
    expect(when?.length).toBeGreaterThan(10);
    expect(remedy?.length).toBeGreaterThan(3);
  }
});

test.each(Object.entries(CODES) as [ErrorCode, number | undefined][])(
  "given %s, the document and the answer have the status %s",
  (code, status) => {
    const row = rows.find((candidate) => candidate.code === code);
    expect(row?.status).toBe(status === undefined ? "–" : String(status));
    const { status: answered, body } = refusalAnswer(code, { retryMs: 1_500 });
    expect(answered).toBe(status ?? 500);
    expect(JSON.parse(body ?? "")).toMatchObject({
      code: status === undefined ? "internal" : code,
    });
  },
);
