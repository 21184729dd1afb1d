import { isProgressError } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import type { PostgresPool } from "../../../src/stores/postgres/client.js";
import { runQuery } from "../../../src/stores/postgres/query.js";

/** An error as `pg` throws it. */
function failure(properties: Readonly<Record<string, unknown>>): Error {
  return Object.assign(new Error("the reason"), properties);
}

/** A pool whose first queries fail with these errors. It counts the queries. */
function poolFailing(errors: readonly Error[]): PostgresPool & { queries: number } {
  const pool = {
    queries: 0,
    async query() {
      pool.queries += 1;
      const error = errors[pool.queries - 1];
      if (error !== undefined) throw error;
      return { rows: ["the row"] };
    },
  };
  return pool;
}

const ONCE = { text: "select", values: ["1"] };
const REPEATABLE = { ...ONCE, isRepeatable: true };

describe("a query to PostgreSQL", () => {
  test.each([
    ["a serialization failure", { code: "40001" }],
    ["a deadlock", { code: "40P01" }],
    ["a server that starts or stops", { code: "57P03" }],
    ["a server without a connection to spare", { code: "53300" }],
    ["a server that was demoted to a standby", { code: "25006" }],
  ])("given %s, of which nothing took effect, tries again", async (_, properties) => {
    const pool = poolFailing([failure(properties), failure(properties)]);
    expect(await runQuery(pool, ONCE)).toEqual(["the row"]);
    expect(pool.queries).toBe(3);
  });

  test.each([
    ["a connection that a shutdown ended", { code: "57P01" }],
    ["a connection that a crash ended", { code: "57P02" }],
    ["a connection exception", { code: "08006" }],
    ["a connection that was reset", { code: "ECONNRESET", syscall: "read" }],
    ["a connection that was closed", {}],
  ])("given %s, tries only a repeatable query again", async (_, properties) => {
    const pool = poolFailing([failure(properties)]);
    expect(await runQuery(pool, REPEATABLE)).toEqual(["the row"]);
    await expect(runQuery(poolFailing([failure(properties)]), ONCE)).rejects.toMatchObject({
      code: "store-unavailable",
      retryable: true,
    });
  });

  test.each([
    ["a server that can't be reached", { code: "ECONNREFUSED", syscall: "connect" }],
    ["a name that can't be resolved", { code: "EAI_AGAIN", syscall: "getaddrinfo" }],
    ["a statement timeout", { code: "57014" }],
    ["a full disk", { code: "53100" }],
  ])("given %s, throws a retryable error at once", async (_, properties) => {
    const pool = poolFailing([failure(properties)]);
    await expect(runQuery(pool, REPEATABLE)).rejects.toMatchObject({
      code: "store-unavailable",
      retryable: true,
    });
    expect(pool.queries).toBe(1);
  });

  test.each([
    ["25006", "Connect the pool to the primary"],
    ["53300", "max_connections"],
    ["57P03", "the reason"],
  ])("given a server that answers %s at each try, names the remedy: %s", async (code, remedy) => {
    const pool = poolFailing(Array(100).fill(failure({ code })));
    const error = await runQuery(pool, ONCE).catch((reason: unknown) => reason);
    expect(isProgressError(error, "store-unavailable") && error.retryable).toBe(true);
    expect(String(error)).toContain(remedy);
    expect(pool.queries).toBeLessThan(20);
  });
});
