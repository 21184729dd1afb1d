import { checksFor } from "../../shared/option-checks.js";
import type { PostgresPool } from "./client.js";
import type { PostgresNames } from "./names.js";
import { namesFor, type PostgresLocation, requirePool } from "./options.js";
import { runQuery } from "./query.js";
import { createJobSql } from "./sql/create-job.js";
import { expectationsSql } from "./sql/expectations.js";
import { forgetSql } from "./sql/forget.js";
import { closeStepsSql, lifecycleSql } from "./sql/lifecycle.js";
import { listTablesSql } from "./sql/list-tables.js";
import { createListedJobSql, listJobsSql, touchListsSql } from "./sql/lists.js";
import { readJobSql } from "./sql/read-job.js";
import { removeJobSql } from "./sql/remove-job.js";
import { sweepJobsSql } from "./sql/sweep-jobs.js";
import { tablesSql } from "./sql/tables.js";
import { writeJobSql } from "./sql/write-job.js";

type Part = (names: PostgresNames) => string;

/** Jobs. A function of the language SQL must stand after those that it calls. */
const FIRST_VERSION: readonly Part[] = [
  tablesSql,
  lifecycleSql,
  closeStepsSql,
  createJobSql,
  writeJobSql,
  readJobSql,
];

/**
 * Lists and learned durations. They are in tables of their own, so no lock on the table of jobs is taken.
 *
 * The functions that remove jobs replace those of the first version, which take the same parameters. So a process of an
 * earlier version that still runs takes the jobs that it removes out of their lists, too.
 */
const SECOND_VERSION: readonly Part[] = [
  listTablesSql,
  touchListsSql,
  createListedJobSql,
  listJobsSql,
  expectationsSql,
  forgetSql,
  removeJobSql,
  sweepJobsSql,
];

/**
 * Each migration is applied once, in this order, and does not change after it was published. A later one must keep what
 * earlier versions of the library call.
 */
const MIGRATIONS: readonly Part[] = [FIRST_VERSION, SECOND_VERSION].map(
  (parts) => (names) => parts.map((part) => part(names)).join(""),
);

/**
 * Creates the schema, tables and functions that {@link postgresStore} needs, or updates them. Idempotent, and one
 * transaction: processes that start at the same time wait for each other. It adds tables and replaces functions, and
 * never changes a table. Processes of an earlier version go on working.
 *
 * The role needs the right to create in the schema, and in the database if the schema does not exist. For an update it
 * must be the owner of the tables and functions; other roles get the rights on new tables that they have on `jobs`. The
 * table `migrations` lists the versions and when they were applied.
 *
 * @throws ProgressError `invalid-option` for an invalid name; `store-unavailable` if the database can't be reached or
 * refuses, with its error as the cause.
 * @see {@link postgresMigration} for the same as SQL.
 *
 * @example
 * ```ts
 * await migratePostgres(pool);
 * const store = postgresStore({ pool });
 * ```
 */
export async function migratePostgres(
  pool: PostgresPool,
  location: PostgresLocation = {},
): Promise<void> {
  requirePool(pool, checksFor("migratePostgres"));
  await runQuery(pool, { text: postgresMigration(location), values: [], isRepeatable: true });
}

/**
 * The SQL that {@link migratePostgres} runs, for apps that run their migrations themselves: one `DO` block. It may run
 * inside another transaction, and more than once.
 *
 * @throws ProgressError `invalid-option` for an invalid name.
 */
export function postgresMigration(location: PostgresLocation = {}): string {
  const checks = checksFor("postgresMigration", 'postgresMigration({ schema: "progress" })');
  checks.names(location, ["schema", "tablePrefix"]);
  const names = namesFor(location, checks);
  const { schema, of } = names;
  const steps = MIGRATIONS.map((migration, index) => {
    const version = index + 1;
    return `
  if not exists (select from ${of("migrations")} where version = ${version}) then
${migration(names)}
    insert into ${of("migrations")} (version) values (${version});
  end if;`;
  });
  // Checks before it creates: "if not exists" would write a notice to the log at each run.
  return `do $migrate$
begin
  perform pg_advisory_xact_lock(hashtextextended('${names.channel}', 0));
  if to_regnamespace('"${schema}"') is null then
    create schema "${schema}";
  end if;
  if to_regclass('${of("migrations")}') is null then
    create table ${of("migrations")} (version integer primary key, applied_at timestamptz not null default now());
  end if;${steps.join("")}
end
$migrate$`;
}
