import type { Change, Cursor, CursorParts, Json } from "@emlinh/progress-protocol";
import type { JobDraft } from "../../core/store.js";
import { fieldsOfTransition, type Transition } from "../../shared/lifecycle.js";
import { createValues, integerText, jsonOf, jsonTexts, writeValues } from "./call-values.js";
import { isNotMigrated } from "./failures.js";
import { migratePostgres } from "./migrate.js";
import type { PostgresNames } from "./names.js";
import type { PostgresSettings } from "./options.js";
import { type PostgresQuery, runQuery } from "./query.js";

/** The answer of a function that refuses. */
export interface Refusal {
  readonly refused:
    | "id-taken"
    | "job-not-found"
    | "job-expired"
    | "job-finished"
    | "attempt-superseded"
    | "job-held"
    | "hold-lost";
  /** The status that the job ended with, as JSON. */
  readonly status?: string | null;
  /** The attempt that the job is in. */
  readonly current?: number;
}

/** The version of a job. */
interface JobVersion {
  readonly refused?: undefined;
  readonly epoch: string;
  readonly version: number;
}

/** The answer of `create_job`. */
type CreateAnswer = Refusal | (JobVersion & { readonly id: string; readonly created: boolean });

/** The answer of `write_job`. `raised` is whether the write made a version. */
type WriteAnswer = Refusal | (JobVersion & { readonly raised: boolean; readonly now: number });

/** The answer of `read_job`. */
export type ReadAnswer =
  | { readonly removed: true }
  | (JobVersion & {
      readonly removed?: undefined;
      readonly reset: boolean;
      readonly set: Readonly<Record<string, Json>>;
      /** Each with its number, its version, and the line as the writer passed it. */
      readonly lines: readonly (readonly [n: number, version: number, line: object])[];
      readonly done: boolean;
      readonly now: number;
    });

/** The answer of `sweep_jobs`. */
interface SweepAnswer {
  readonly swept: readonly (JobVersion & {
    readonly id: string;
    readonly transition: Transition;
  })[];
  /** Whether it has checked all due jobs. */
  readonly done: boolean;
  /** Whether more jobs are due. Only known if the limit was reached. */
  readonly more: boolean;
}

/** The calls of the functions in the database: one statement each. */
export interface PostgresCalls {
  create(draft: JobDraft): Promise<CreateAnswer>;
  write(jobId: string, change: Change): Promise<WriteAnswer>;
  /** Resolves with `undefined` for an unknown job. */
  read(jobId: string, after: CursorParts | undefined): Promise<ReadAnswer | undefined>;
  /** Resolves with whether there was such a job. */
  remove(jobId: string): Promise<boolean>;
  sweep(now: number | undefined, limit: number): Promise<SweepAnswer>;
  /** The cursors of those of the jobs that exist. */
  currentCursors(jobIds: readonly string[]): Promise<ReadonlyMap<string, Cursor>>;
  notify(payloads: readonly string[]): Promise<unknown>;
}

/** Jobs whose rows one transaction of a sweep may lock. Their writers wait for it. */
const SWEEP_BATCH = 50;

/** The types of the functions' parameters, in order. */
const PARAMETERS = {
  create_job: "text text text json float8 boolean boolean bigint bigint bigint",
  write_job:
    "text json json bigint float8 bigint boolean boolean boolean text bigint text bigint boolean bigint bigint bigint",
  read_job: "text text bigint bigint",
  remove_job: "text bigint",
  sweep_jobs: "bigint bigint bigint bigint bigint bigint json",
} as const;

/** The calls for one store. */
export function postgresCalls(settings: PostgresSettings): PostgresCalls {
  const { pool, names, tombstoneTtlMs } = settings;
  const call = caller(settings);
  const ttls = [integerText(settings.ttlMs), integerText(settings.idleTtlMs)];
  const maxLines = integerText(settings.maxLogLines);
  const tombstoneMs = integerText(tombstoneTtlMs);
  const create = callOf(names, "create_job");
  const write = callOf(names, "write_job");
  const read = callOf(names, "read_job");
  const remove = callOf(names, "remove_job");
  const sweep = callOf(names, "sweep_jobs");
  const cursors = cursorsSql(names);
  return {
    async create(draft) {
      const values = [...createValues(draft), ...ttls];
      return (await call({ text: create, values, isRepeatable: true })) as CreateAnswer;
    },
    async write(jobId, change) {
      const values = [jobId, ...writeValues(change), maxLines, ...ttls];
      // A write with a hold that has run is answered with the current cursor, and changes nothing.
      const isRepeatable = change.hold !== undefined;
      return (await call({ text: write, values, isRepeatable })) as WriteAnswer;
    },
    async read(jobId, after) {
      const version = after === undefined ? null : String(after.version);
      const values = [jobId, after?.epoch ?? null, version, maxLines];
      return (await call({ text: read, values, isRepeatable: true })) as ReadAnswer | undefined;
    },
    async remove(jobId) {
      return (await call({ text: remove, values: [jobId, tombstoneMs] })) as boolean;
    },
    async sweep(now, limit) {
      const at = now === undefined ? null : integerText(now);
      const bounds = [integerText(limit), String(SWEEP_BATCH), ...ttls, tombstoneMs];
      const values = [at, ...bounds, TRANSITION_FIELDS];
      return (await call({ text: sweep, values })) as SweepAnswer;
    },
    async currentCursors(jobIds) {
      const answer = await call({ text: cursors, values: [jsonOf(jobIds)], isRepeatable: true });
      return new Map(Object.entries((answer ?? {}) as Record<string, Cursor>));
    },
    notify: (payloads) =>
      runQuery(pool, { text: NOTIFY, values: [names.channel, jsonOf(payloads)] }),
  };
}

/** Returns the function that runs a statement with one JSON answer. */
function caller({
  pool,
  names,
  migrate,
}: PostgresSettings): (query: PostgresQuery) => Promise<unknown> {
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

  return async (query) => {
    const [row] = await runMigrated(query);
    const { answer } = row as { readonly answer: string | null };
    return answer === null ? undefined : JSON.parse(answer);
  };
}

function callOf(names: PostgresNames, name: keyof typeof PARAMETERS): string {
  const values = PARAMETERS[name].split(" ").map((type, index) => `$${index + 1}::text::${type}`);
  return `select ${names.of(name)}(${values.join(", ")}) as answer`;
}

function cursorsSql({ of }: PostgresNames): string {
  return `select json_object_agg(j.id, j.epoch || '.' || j.version)::text as answer
    from json_array_elements_text($1::text::json) as each (id)
    join ${of("jobs")} j on j.id = each.id where not j.removed`;
}

/**
 * Sends notifications. They are not worth a wait for the disk: PostgreSQL holds a lock while they are sent, and the
 * wait would extend it.
 */
const NOTIFY = `select set_config('synchronous_commit', 'off', true) as answer, pg_notify($1::text, each.payload)
  from json_array_elements_text($2::text::json) as each (payload)`;

/** The fields that each transition sets. The function replaces the value of `finishedAt` by its own time. */
const TRANSITION_FIELDS: string = jsonOf({
  stale: jsonTexts(fieldsOfTransition("stale", 0)),
  lost: jsonTexts(fieldsOfTransition("lost", 0)),
  "timed-out": jsonTexts(fieldsOfTransition("timed-out", 0)),
});
