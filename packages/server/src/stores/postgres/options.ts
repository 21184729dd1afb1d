import type { ProgressError } from "@emlinh/progress-protocol";
import { neverThrows } from "../../shared/never-throws.js";
import { checksFor } from "../../shared/option-checks.js";
import {
  resolveStoreLimits,
  type StoreLimits,
  type StoreOptions,
} from "../shared/store-options.js";
import type { PostgresListener, PostgresPool } from "./client.js";
import { type PostgresNames, postgresNames } from "./schema.js";

/** Where in a database the store keeps its tables and functions. */
export interface PostgresPlace {
  /** Letters, digits and `_`, not beginning with a digit. It need not be on the search path. @defaultValue `"progress"` */
  readonly schema?: string | undefined;
  /** Begins the name of each table and function, for a schema that has others too: letters, digits and `_`. With the schema's name, 48 characters at most. @defaultValue `""` */
  readonly tablePrefix?: string | undefined;
}

/** What `postgresStore` takes. `undefined` means the default, `Infinity` lifts a bound. */
export interface PostgresStoreOptions extends StoreOptions, PostgresPlace {
  /** A `Pool` of `pg`; or anything that fits, see {@link PostgresPool}. The store doesn't end it. */
  readonly pool: PostgresPool;
  /**
   * Hears what other processes write: a connection of its own, opened at the first watch and kept. Without one the store takes a connection out of the pool
   * for good. Behind PgBouncer in transaction mode nothing can be heard: give a listener that connects directly, or `false`, and `pollMs` alone decides how
   * late a change is seen.
   *
   * @defaultValue a connection out of the pool
   */
  readonly listener?: PostgresListener | false | undefined;
  /** Milliseconds between looks at the watched jobs, by one query for all of them; while the listener hears, ten times as long: then only what a crash kept from being told is found by it. @defaultValue `500` */
  readonly pollMs?: number | undefined;
  /** Whether the store runs `migratePostgres` by itself when a call finds no tables. With `false` that call is refused as `store-unavailable`. @defaultValue `true` */
  readonly migrate?: boolean | undefined;
  /** Milliseconds for which the id of a removed job is remembered, to answer `job-expired` in place of "never heard of it". `0` for not at all. @defaultValue `86_400_000` (a day) */
  readonly tombstoneTtlMs?: number | undefined;
  /** Told when listening, or looking at the watched jobs, fails: once until it works again. Must not throw. @defaultValue does nothing */
  readonly onError?: ((error: ProgressError) => void) | undefined;
}

/** The options, all present. */
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

const checks = checksFor("postgresStore");
const { count, duration, invalid } = checks;

/** So long that a channel's name, which is the longest of all, is no longer than PostgreSQL takes. */
const MAX_PLACE_LENGTH = 48;

/** Checks where the tables are. */
export function namesFor({ schema = "progress", tablePrefix = "" }: PostgresPlace): PostgresNames {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(schema))
    throw invalid("schema", schema, "letters, digits and _, not beginning with a digit");
  if (!/^[A-Za-z0-9_]*$/.test(tablePrefix))
    throw invalid("tablePrefix", tablePrefix, "letters, digits and _");
  if (schema.length + tablePrefix.length > MAX_PLACE_LENGTH)
    throw invalid(
      "tablePrefix",
      tablePrefix,
      `at most ${MAX_PLACE_LENGTH} characters together with the schema "${schema}"`,
    );
  return postgresNames(schema, tablePrefix);
}

/** Fills in the defaults and refuses what can't be meant. */
export function resolvePostgresOptions(options: PostgresStoreOptions): PostgresSettings {
  const { pool, listener, onError } = options;
  const pollMs = duration("pollMs", options.pollMs ?? 500);
  if (typeof pool?.query !== "function")
    throw invalid("pool", pool, "a Pool of pg, or an object with its query()");
  const max = pool.options?.max;
  if (listener === undefined && (pool.connect === undefined || (max !== undefined && max < 2)))
    throw invalid(
      "pool",
      max === undefined ? "without connect()" : `a pool of ${max} connection`,
      "one that can spare a connection to listen on; or give `listener`",
    );
  return Object.freeze({
    ...resolveStoreLimits(options, checks),
    pool,
    listener,
    names: namesFor(options),
    migrate: options.migrate ?? true,
    pollMs,
    tombstoneTtlMs: count("tombstoneTtlMs", options.tombstoneTtlMs ?? 86_400_000, 0),
    onError: neverThrows(onError),
  });
}
