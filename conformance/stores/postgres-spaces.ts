import { migratePostgres, type PostgresPool } from "@emlinh/progress-server/stores/postgres";

/** The schemas behind the spaces of a suite. */
export interface PostgresSpaces {
  /** The schema of a space, with the tables and functions of the store. It is empty when a space is first named. */
  schemaOf(space: string): Promise<string>;
  /** Deletes all jobs of a space. */
  empty(space: string): Promise<void>;
}

/** More than one test uses, so that the stores over a schema are closed when another space gets it. */
const SCHEMAS = 4;

const TABLES = ["jobs", "fields", "lines", "listed_jobs", "list_versions", "expectations"];

/**
 * Gives the spaces of consecutive tests a few schemas in turn. A schema for each test would take most of the time of a
 * suite: it has to be created, and each connection compiles its functions again.
 *
 * @param prefix - The start of the names of the schemas, which no other suite of the database uses.
 */
export function postgresSpaces(pool: PostgresPool, prefix: string): PostgresSpaces {
  const schemas = new Map<string, Promise<string>>();

  async function nextSchema(): Promise<string> {
    const turn = schemas.size;
    const schema = `${prefix}${turn % SCHEMAS}`;
    if (turn < SCHEMAS) await migratePostgres(pool, { schema });
    else await run(schema, (table) => `delete from ${table};`);
    return schema;
  }

  function schemaOf(space: string): Promise<string> {
    const known = schemas.get(space);
    if (known !== undefined) return known;
    const next = nextSchema();
    schemas.set(space, next);
    return next;
  }

  async function run(schema: string, statement: (table: string) => string): Promise<void> {
    await pool.query(TABLES.map((name) => statement(`"${schema}".${name}`)).join(""));
  }

  return {
    schemaOf,
    async empty(space) {
      await run(await schemaOf(space), (table) => `truncate ${table};`);
    },
  };
}
