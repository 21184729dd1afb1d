import { isNotMigrated } from "./failures.js";
import { migratePostgres } from "./migrate.js";
import type { PostgresNames } from "./names.js";
import type { PostgresSettings } from "./options.js";
import { type PostgresQuery, runQuery } from "./query.js";

/** The types of the functions' parameters, in order. */
const PARAMETERS = {
  create_job: "text text text json float8 boolean boolean bigint bigint bigint json",
  write_job:
    "text json json bigint float8 bigint boolean boolean boolean text bigint text bigint boolean bigint bigint bigint",
  read_job: "text text bigint bigint",
  remove_listed_job: "text bigint",
  sweep_jobs: "bigint bigint bigint bigint bigint bigint json",
  list_jobs: "text bigint bigint text",
  learn: "text json",
  read_expectations: "text",
} as const;

/** Calls the functions in the database: one statement each. */
export interface FunctionCaller {
  /**
   * Calls a function. Resolves with its answer; `undefined` for null.
   *
   * @param options - `isRepeatable` as in {@link PostgresQuery}.
   */
  call(
    name: keyof typeof PARAMETERS,
    values: PostgresQuery["values"],
    options?: Pick<PostgresQuery, "isRepeatable">,
  ): Promise<unknown>;
  /** Runs a statement whose one row has its answer as JSON. */
  query(query: PostgresQuery): Promise<unknown>;
}

/** The caller of one store. */
export function functionCaller({ pool, names, migrate }: PostgresSettings): FunctionCaller {
  const texts = new Map(
    Object.entries(PARAMETERS).map(([name, types]) => [name, callOf(names.of(name), types)]),
  );

  /**
   * Creates the tables when they are first missed: nothing has run then. So no start of a process waits for a check of
   * them.
   */
  async function runMigrated(query: PostgresQuery): Promise<readonly unknown[]> {
    try {
      return await runQuery(pool, query);
    } catch (error) {
      if (!migrate || !isNotMigrated(error)) throw error;
      const { schema, tablePrefix } = names;
      await migratePostgres(pool, { schema, tablePrefix });
      return await runQuery(pool, query);
    }
  }

  async function query(query: PostgresQuery): Promise<unknown> {
    const [row] = await runMigrated(query);
    const { answer } = row as { readonly answer: string | null };
    return answer === null ? undefined : JSON.parse(answer);
  }

  return {
    call: (name, values, options) => query({ text: texts.get(name) ?? "", values, ...options }),
    query,
  };
}

function callOf(name: PostgresNames["schema"], types: string): string {
  const values = types.split(" ").map((type, index) => `$${index + 1}::text::${type}`);
  return `select ${name}(${values.join(", ")}) as answer`;
}
