import { join } from "node:path";
import { type SqliteDatabase, sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Libsql from "libsql";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "./sqlite-drivers.js";

const QUEUED = { kind: "video", status: "queued", attempt: 1 };

describe("sqliteStore's reads", () => {
  test("given a read that finds nothing new, runs one statement, which looks at one row", async () => {
    const database = new Libsql(join(temporaryFolder(), "jobs.db"));
    onTestFinished(() => void database.close());
    const statements: string[] = [];
    const counted: SqliteDatabase = {
      exec: (sql) => database.exec(sql),
      prepare(sql) {
        const statement = database.prepare(sql);
        const calling =
          <Values extends unknown[], Result>(call: (...values: Values) => Result) =>
          (...values: Values): Result => {
            statements.push(sql);
            return call.apply(statement, values);
          };
        return {
          run: calling(statement.run),
          get: calling(statement.get),
          all: calling(statement.all),
        };
      },
    };
    const store = sqliteStore({ database: counted });
    await store.create({ id: "a", set: QUEUED });
    const names = Array.from({ length: 20_000 }, (_, by) => [`metadata.m${by}`, by] as const);
    const { cursor } = await store.write("a", { set: Object.fromEntries(names), log: [] });
    statements.length = 0;
    expect(await store.read("a", cursor)).toMatchObject({ cursor, set: {}, log: [] });
    expect(statements).toHaveLength(1);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${statements[0]}`).all("a") as {
      detail: string;
    }[];
    expect(plan.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^SEARCH progress_jobs USING INDEX .*\(id=\?\)$/),
    ]);
  });
});
