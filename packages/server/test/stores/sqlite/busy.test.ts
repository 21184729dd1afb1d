import { describe, expect, test } from "vitest";
import { isBusy, unavailable, whenFree } from "../../../src/stores/sqlite/busy.js";

/** An error as better-sqlite3 and libsql throw it. */
function named(code: string): Error {
  return Object.assign(new Error("the reason"), { code });
}

/** An error as node:sqlite throws it. */
function numbered(errcode: number): Error {
  return Object.assign(new Error("the reason"), { code: "ERR_SQLITE_ERROR", errcode });
}

describe("the failures of SQLite", () => {
  test.each([
    ["SQLITE_BUSY", 5],
    ["SQLITE_BUSY_RECOVERY", 261],
    ["SQLITE_BUSY_SNAPSHOT", 517],
    ["SQLITE_BUSY_TIMEOUT", 773],
    ["SQLITE_LOCKED_SHAREDCACHE", 262],
    ["SQLITE_PROTOCOL", 15],
  ])("given %s, which passes by itself, tries again", async (code, errcode) => {
    for (const error of [named(code), numbered(errcode)]) {
      const outcomes = [error, error];
      const attempt = (): string => {
        const outcome = outcomes.shift();
        if (outcome !== undefined) throw outcome;
        return "the result";
      };
      expect(await whenFree(attempt, 1_000)).toBe("the result");
    }
  });

  test.each([
    ["SQLITE_READONLY_DBMOVED", 1032, "pass it to a new store"],
    ["SQLITE_READONLY", 8, "read-only"],
    ["SQLITE_READONLY_DIRECTORY", 1544, "its folder"],
    ["SQLITE_FULL", 13, "Make space"],
    ["SQLITE_CORRUPT_INDEX", 779, "backup"],
    ["SQLITE_NOTADB", 26, "backup"],
    ["SQLITE_IOERR_READ", 266, "See the cause"],
  ])(
    "given %s, throws store-unavailable at once and names the remedy",
    async (code, errcode, remedy) => {
      for (const cause of [named(code), numbered(errcode)]) {
        expect(isBusy(cause)).toBe(false);
        let tries = 0;
        const attempt = (): never => {
          tries += 1;
          throw cause;
        };
        await expect(whenFree(attempt, 1_000)).rejects.toMatchObject({
          code: "store-unavailable",
          retryable: true,
          cause,
          message: expect.stringContaining(remedy),
        });
        expect(tries).toBe(1);
      }
    },
  );

  test("given something that is no error of SQLite, wraps it", () => {
    for (const cause of [null, "text", new Error("the reason"), { code: 7 }])
      expect(unavailable(cause)).toMatchObject({ code: "store-unavailable", cause });
  });
});
