import type { ProgressStore } from "@emlinh/progress-server";
import { postgresStore } from "@emlinh/progress-server/stores/postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, type PostgresServer, startPostgres } from "../servers/postgres.js";
import { poolOf } from "./postgres-kit.js";

const [MANY, FEW] = ["user:many", "user:few"];
const JOBS = 100_000;
const FIRST = ["9223372036854775807", ""] as const;

describe.skipIf(POSTGRES_MISSING)(
  `the cost of postgresStore's lists ${POSTGRES_MISSING ?? ""}`,
  () => {
    let server: PostgresServer;
    let pool: pg.Pool;
    let store: ProgressStore;
    /** A session that reports the plan of each statement in a function. */
    let client: pg.Client;
    let plans: string[];

    beforeAll(async () => {
      server = await startPostgres();
      pool = poolOf(server.url);
      store = postgresStore({ pool, listener: false });
      await store.expectations("video");
      for (const [subject, jobs] of [
        [MANY, JOBS],
        [FEW, 100],
      ])
        await pool.query(
          `insert into progress.listed_jobs (subject, place, job_id)
          select $1, 1000000 * by::bigint, 'job-' || by from generate_series(1, $2::int) as by`,
          [subject, jobs],
        );
      client = new pg.Client({ connectionString: server.url });
      client.on("notice", ({ message = "" }) => plans.push(message));
      await client.connect();
      for (const setting of [
        "load 'auto_explain'",
        "set auto_explain.log_min_duration = 0",
        "set auto_explain.log_nested_statements = on",
        "set auto_explain.log_analyze = on",
        "set auto_explain.log_buffers = on",
        "set client_min_messages = log",
      ])
        await client.query(setting);
    });
    afterAll(async () => {
      await client?.end();
      await pool?.end();
      await server?.stop();
    });

    /** The plan of the query of one page, and the pages of the database that it read. */
    async function planOf(subject: string, [place, id]: readonly [string, string]) {
      plans = [];
      await client.query("select progress.list_jobs($1, 50, $2, $3)", [subject, place, id]);
      const plan = plans.find((text) => text.includes('from "progress"."listed_jobs"')) ?? "";
      const [, ...buffers] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(plan) ?? [];
      return { plan, buffers: buffers.reduce((sum, each) => sum + Number(each ?? 0), 0) };
    }

    describe.each(["force_custom_plan", "force_generic_plan"])("with %s", (mode) => {
      test.each(["before", "after"])(
        "given 100,000 jobs of one subject, %s the first vacuum, a page is one index scan and reads a few pages",
        async (when) => {
          if (when === "after") await pool.query("vacuum analyze progress.listed_jobs");
          await client.query(`set plan_cache_mode = ${mode}`);
          const few = await planOf(FEW, FIRST);
          for (const after of [
            FIRST,
            ["50000000000", "job-50000"],
            ["60000000", "job-60"],
          ] as const) {
            const { plan, buffers } = await planOf(MANY, after);
            expect(plan).toContain("Index Only Scan Backward using listed_jobs_pkey");
            expect(plan).toMatch(/Index Cond: .*subject = .*ROW\(place, job_id\) < /);
            expect(plan).not.toMatch(/Sort|Filter|Seq Scan|Bitmap/);
            expect(buffers).toBeGreaterThan(0);
            expect(buffers - few.buffers).toBeLessThan(5);
          }
        },
      );
    });

    test("given 100,000 jobs of one subject, the pages together are all of them", async () => {
      const seen = new Set<string>();
      let [before, pages]: [string | undefined, number] = [undefined, 0];
      do {
        const page = await store.list(MANY, { limit: 5_000, before });
        for (const id of page.jobs) seen.add(id);
        before = page.next;
        pages += 1;
      } while (before !== undefined);
      expect([seen.size, pages]).toEqual([JOBS, 20]);
    });
  },
);
