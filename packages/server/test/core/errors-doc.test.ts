import { readFileSync } from "node:fs";
import { type ErrorCode, ProgressError } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
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
  "request-timed-out": 408,
  "unsupported-media-type": 415,
  "too-many-streams": 429,
  "too-many-targets": 400,
  "url-too-long": 414,
  "too-many-reports": 429,
  draining: 503,
  "store-unavailable": 503,
  internal: 500,
  "invalid-change": 400,
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

describe("given the anchors of docs/errors.md", () => {
  const text = readFileSync(DOC, "utf8");
  const headings = [...text.matchAll(/^### `([a-z-]+)`$/gm)].map(([, code]) => code);

  test.each(Object.keys(CODES) as ErrorCode[])("those that errors of %s name exist", (code) => {
    const { message } = new ProgressError(code, { message: "A fault." });
    const [, anchor] = /docs\/errors\.md#([a-z-]+)/.exec(message) ?? [];
    if (anchor !== undefined) expect(headings).toContain(anchor);
  });

  test("errors of wrong calls name theirs, once, and after the message", () => {
    const message = "A fault. See docs/errors.md#invalid-option.";
    const first = new ProgressError("invalid-option", { message: "A fault." });
    expect(first.message).toBe(message);
    expect(new ProgressError("invalid-option", first).message).toBe(message);
  });

  test("each row that says 'below' links to a heading, and each heading has such a row", () => {
    const linked = rows.flatMap(({ code, when, remedy }) =>
      `${when} ${remedy}`.includes(`[below](#${code})`) ? [code] : [],
    );
    expect(linked.sort()).toEqual([...headings].sort());
    expect([...text.matchAll(/\[below\]\(#([a-z-]+)\)/g)]).toHaveLength(headings.length);
  });
});
