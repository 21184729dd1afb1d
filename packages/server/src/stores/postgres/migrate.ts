import { askPostgres } from "./ask.js";
import type { PostgresPool } from "./client.js";
import { closeStepsSql, createSql, readSql, removeSql, sweepSql, writeSql } from "./functions.js";
import { namesFor, type PostgresPlace } from "./options.js";
import { endingsSql, type PostgresNames, tablesSql } from "./schema.js";

/** Each is applied once, in this order, and never changed once it was published: what a later one adds must leave what an earlier library calls in place. */
const MIGRATIONS: readonly ((names: PostgresNames) => string)[] = [
  (names) =>
    [tablesSql, endingsSql, closeStepsSql, createSql, writeSql, readSql, sweepSql, removeSql]
      .map((part) => part(names))
      .join(""),
];

/**
 * Makes the schema, tables and functions that {@link postgresStore} needs, or brings them up to date. Idempotent, in one transaction; processes that start
 * at once wait for each other. Adds only: nothing is ever dropped or rewritten.
 *
 * The role needs the right to create in the schema, and, where there is no such schema yet, in the database. Which version was applied when stands in the
 * table `migrations`.
 *
 * @throws ProgressError `invalid-option` for a wrong name; `store-unavailable` if the database can't be reached or refuses, with its error as the cause.
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
  place: PostgresPlace = {},
): Promise<void> {
  await askPostgres(pool, { text: postgresMigration(place), values: [], repeatable: true });
}

/**
 * What {@link migratePostgres} runs: one `DO` block of SQL, for those who run their migrations themselves. It may run within another transaction, and twice.
 *
 * @throws ProgressError `invalid-option` for a wrong name.
 */
export function postgresMigration(place: PostgresPlace = {}): string {
  const names = namesFor(place);
  const { schema, of } = names;
  const steps = MIGRATIONS.map((migration, index) => {
    const version = index + 1;
    return `
  if not exists (select from ${of("migrations")} where version = ${version}) then
${migration(names)}
    insert into ${of("migrations")} (version) values (${version});
  end if;`;
  });
  // Looks before it creates: with "if not exists" each run would send its notices to the log.
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
