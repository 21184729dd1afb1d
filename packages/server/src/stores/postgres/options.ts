import type { ProgressError } from "@emlinh/progress-protocol";
import { neverThrows } from "../../shared/never-throws.js";
import { checksFor, type OptionChecks } from "../../shared/option-checks.js";
import { createErrorPrinter } from "../../shared/print-error.js";
import {
  resolveStoreLimits,
  type StoreLimits,
  type StoreOptions,
} from "../shared/store-options.js";
import type { PostgresListener, PostgresPool } from "./client.js";
import { type PostgresNames, postgresNames } from "./names.js";

/** Where in a database the store keeps its tables and functions. */
export interface PostgresLocation {
  /**
   * Letters, digits and `_`, not beginning with a digit. The schema need not be on the search path.
   *
   * @defaultValue `"progress"`
   */
  readonly schema?: string | undefined;
  /**
   * The start of the name of each table and function, for a schema that has others too: letters, digits and `_`. At
   * most 48 characters together with the schema.
   *
   * @defaultValue `""`
   */
  readonly tablePrefix?: string | undefined;
}

/** The options of `postgresStore`. `undefined` means the default, `Infinity` lifts a bound. */
export interface PostgresStoreOptions extends StoreOptions, PostgresLocation {
  /**
   * A `Pool` of `pg`, or an object that fits {@link PostgresPool}. The store does not end it. Set its `query_timeout`:
   * a connection whose network was cut reports nothing, and would keep its place in the pool.
   */
  readonly pool: PostgresPool;
  /**
   * Listens for the changes of other processes, on a connection of its own that the first watch opens. By default the
   * store takes a connection out of the pool and keeps it until `close()`.
   *
   * Through PgBouncer in transaction mode nothing can be received. Pass a listener that connects directly, or `false`:
   * then `pollMs` is the longest time until a change is seen.
   *
   * @defaultValue a connection of the pool
   */
  readonly listener?: PostgresListener | false | undefined;
  /**
   * Milliseconds between two polls of the watched jobs, by one query for all of them. Ten times as long while the
   * listener works: the polls then only find changes whose notification was lost in a crash. `Infinity` for no polls.
   *
   * @defaultValue `500`
   */
  readonly pollMs?: number | undefined;
  /**
   * Whether the store runs `migratePostgres` if a call finds no tables. With `false` that call throws
   * `store-unavailable`.
   *
   * @defaultValue `true`
   */
  readonly migrate?: boolean | undefined;
  /**
   * Milliseconds for which the store remembers the id of a removed job. During this time it answers `job-expired`,
   * afterwards as for an unknown job. `0` to remember none.
   *
   * @defaultValue `86_400_000` (a day)
   */
  readonly tombstoneTtlMs?: number | undefined;
  /**
   * Called when listening fails and when the polls fail (`store-unavailable`, once per outage). An error that it throws
   * is ignored.
   *
   * @defaultValue writes one line to stderr per kind of error
   */
  readonly onError?: ((error: ProgressError) => void) | undefined;
}

/** The options of a PostgreSQL store with all defaults filled in. */
export interface PostgresSettings extends StoreLimits {
  readonly pool: PostgresPool;
  readonly listener: PostgresListener | false | undefined;
  readonly names: PostgresNames;
  readonly migrate: boolean;
  readonly pollMs: number;
  readonly tombstoneTtlMs: number;
  /** Never throws. */
  readonly onError: (error: ProgressError) => void;
}

const checks = checksFor("postgresStore", "postgresStore({ pool })");
const { count, duration, callback, flag, invalid, fault } = checks;

/** Keeps the name of the channel, the longest of all names, within the 63 bytes of an identifier. */
const MAX_LOCATION_LENGTH = 48;

/** Checks a location and returns its names. @throws ProgressError `invalid-option` */
export function namesFor(
  { schema = "progress", tablePrefix = "" }: PostgresLocation,
  { invalid }: OptionChecks,
): PostgresNames {
  if (typeof schema !== "string" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(schema))
    throw invalid("schema", schema, "letters, digits and _, not beginning with a digit");
  if (typeof tablePrefix !== "string" || !/^[A-Za-z0-9_]*$/.test(tablePrefix))
    throw invalid("tablePrefix", tablePrefix, "letters, digits and _");
  if (schema.length + tablePrefix.length > MAX_LOCATION_LENGTH)
    throw invalid(
      "tablePrefix",
      tablePrefix,
      `at most ${MAX_LOCATION_LENGTH} characters together with the schema "${schema}"`,
    );
  return postgresNames(schema, tablePrefix);
}

/** The type makes a missing name an error. */
const OWN_NAMES: {
  readonly [Name in Exclude<keyof PostgresStoreOptions, keyof StoreOptions>]-?: true;
} = {
  pool: true,
  schema: true,
  tablePrefix: true,
  listener: true,
  pollMs: true,
  migrate: true,
  tombstoneTtlMs: true,
  onError: true,
};

/** Fills in the defaults and checks the options. @throws ProgressError `invalid-option` */
export function resolvePostgresOptions(options: PostgresStoreOptions): PostgresSettings {
  const limits = resolveStoreLimits(options, checks, OWN_NAMES);
  const { pool, listener, onError } = options;
  const pollMs = duration("pollMs", options.pollMs ?? 500);
  requirePool(pool, checks);
  requireListener(pool, listener);
  flag("migrate", options.migrate);
  callback("onError", onError);
  return Object.freeze({
    ...limits,
    pool,
    listener,
    names: namesFor(options, checks),
    migrate: options.migrate ?? true,
    pollMs,
    tombstoneTtlMs: count("tombstoneTtlMs", options.tombstoneTtlMs ?? 86_400_000, 0),
    onError: neverThrows(onError ?? createErrorPrinter()),
  });
}

/** Checks the pool that a function was given. @throws ProgressError `invalid-option` */
export function requirePool(pool: unknown, { invalid, fault }: OptionChecks): void {
  if (typeof pool === "function" && "unsafe" in pool)
    throw fault(
      "pool is the sql function of the postgres package; pass listener: sql, and as the pool " +
        "{ query: async (text, values) => ({ rows: await sql.unsafe(text, values) }) }.",
    );
  const query: unknown =
    typeof pool === "object" && pool !== null ? Reflect.get(pool, "query") : undefined;
  if (typeof query !== "function")
    throw invalid("pool", pool, "a Pool of pg, such as new Pool({ connectionString })");
}

function requireListener(pool: PostgresPool, listener: unknown): void {
  const isListener = typeof (listener as Partial<PostgresListener> | null)?.listen === "function";
  if (listener !== undefined && listener !== false && !isListener)
    throw invalid("listener", listener, "false, or a listener such as pgListener() returns");
  if (listener !== undefined) return;
  const remedy = "to listen on; pass a larger pool, a listener, or listener: false.";
  if (typeof pool.connect !== "function") throw fault(`pool has no connect() ${remedy}`);
  const max = pool.options?.max;
  if (max !== undefined && max < 2)
    throw fault(`pool has ${max} connection and can't spare a connection ${remedy}`);
}
