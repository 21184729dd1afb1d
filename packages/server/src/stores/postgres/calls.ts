import {
  type Change,
  type Cursor,
  type CursorParts,
  isTerminal,
  type Json,
} from "@emlinh/progress-protocol";
import type { JobDraft } from "../../core/store.js";
import { newEpoch } from "../../shared/ids.js";
import { fieldsOfTransition, type Transition } from "../../shared/lifecycle.js";
import { askPostgres, isNotMigrated, type PostgresQuestion } from "./ask.js";
import { migratePostgres } from "./migrate.js";
import type { PostgresSettings } from "./options.js";
import type { PostgresNames } from "./schema.js";

/** What a function answers that refuses. */
export interface Refused {
  readonly refused:
    | "id-taken"
    | "job-not-found"
    | "job-expired"
    | "job-finished"
    | "attempt-superseded";
  /** JSON of the status that the job ended with. */
  readonly status?: string | null;
  readonly current?: number;
}

interface Stands {
  readonly refused?: undefined;
  readonly epoch: string;
  readonly version: number;
}

/** What `create_job` answers. */
type CreateAnswer = Refused | (Stands & { readonly id: string; readonly created: boolean });

/** What `write_job` answers. */
type WriteAnswer =
  | Refused
  | (Stands & { /** Whether it made a version. */ readonly raised: boolean });

/** What `read_job` answers: nothing for an unknown job. */
export type ReadAnswer =
  | { readonly removed: true }
  | (Stands & {
      readonly removed?: undefined;
      readonly reset: boolean;
      /** Whether the job has ended. */
      readonly done: boolean;
      readonly set: Readonly<Record<string, Json>>;
      /** Number, version and what the writer gave. */
      readonly lines: readonly (readonly [n: number, version: number, line: object])[];
    });

/** What `sweep_jobs` answers. */
interface SweepAnswer {
  readonly swept: readonly (Stands & { readonly id: string; readonly fate: Transition })[];
  /** Whether it looked at all that was due. */
  readonly done: boolean;
  /** Whether more jobs are due; told once the limit is reached. */
  readonly more: boolean;
}

/** The calls of the functions in the database: one statement each. */
export interface PostgresCalls {
  create(draft: JobDraft): Promise<CreateAnswer>;
  write(jobId: string, change: Change): Promise<WriteAnswer>;
  read(jobId: string, after: CursorParts | undefined): Promise<ReadAnswer | undefined>;
  sweep(now: number | undefined, limit: number): Promise<SweepAnswer>;
  /** Answers whether there was such a job. */
  remove(jobId: string): Promise<boolean>;
  look(jobIds: readonly string[]): Promise<ReadonlyMap<string, Cursor>>;
  notify(payloads: readonly string[]): Promise<unknown>;
}

/** Jobs whose rows one transaction of a sweep may hold: their writers wait for it. */
const SWEEP_BATCH = 50;

/** Stands for "never" in columns of milliseconds: a few of them still add up to a `bigint`. */
const FOREVER = 1e18;

/** The types of the functions' parameters, in their order. */
const PARAMETERS = {
  create_job: "text text text json float8 boolean boolean bigint bigint bigint",
  write_job: "text json json float8 float8 bigint boolean boolean bigint bigint bigint",
  read_job: "text text bigint bigint",
  remove_job: "text bigint",
  sweep_jobs: "bigint bigint bigint bigint bigint bigint json",
} as const;

/** The calls for one store. */
export function postgresCalls(settings: PostgresSettings): PostgresCalls {
  const { pool, names, migrate, tombstoneTtlMs } = settings;
  const ttls = [whole(settings.ttlMs), whole(settings.idleTtlMs)];
  const maxLines = whole(settings.maxLogLines);
  const fates = jsonOf({
    stale: texts(fieldsOfTransition("stale", 0)),
    lost: texts(fieldsOfTransition("lost", 0)),
    "timed-out": texts(fieldsOfTransition("timed-out", 0)),
  });
  const statements = {
    create: callOf(names, "create_job"),
    write: callOf(names, "write_job"),
    read: callOf(names, "read_job"),
    remove: callOf(names, "remove_job"),
    sweep: callOf(names, "sweep_jobs"),
    look: `select json_object_agg(j.id, j.epoch || '.' || j.version)::text as answer
      from json_array_elements_text($1::text::json) as each (id) join ${names.of("jobs")} j on j.id = each.id where not j.removed`,
    // A hint is worth no wait for the disk, and the lock under which notifications are sent is held for as long.
    notify: `select set_config('synchronous_commit', 'off', true) as answer, pg_notify($1::text, each.payload)
      from json_array_elements_text($2::text::json) as each (payload)`,
  };

  async function ask(
    text: string,
    values: readonly (string | null)[],
    repeatable = false,
  ): Promise<unknown> {
    const [row] = await askMigrated({ text, values, repeatable });
    const { answer } = row as { readonly answer: string | null };
    return answer === null ? undefined : JSON.parse(answer);
  }

  /** What isn't there was refused before anything ran: so the tables are made when they are first missed, and no start waits for a look at them. */
  async function askMigrated(question: PostgresQuestion): Promise<readonly unknown[]> {
    try {
      return await askPostgres(pool, question);
    } catch (error) {
      if (!migrate || !isNotMigrated(error)) throw error;
      await migratePostgres(pool, names);
      return await askPostgres(pool, question);
    }
  }

  return {
    async create({ id, key, set, deadlineMs }) {
      const { createdAt: _, updatedAt: __, ...fields } = set;
      const values = [
        id,
        newEpoch(),
        key === undefined ? null : jsonOf(key),
        jsonOf(texts(fields)),
        String(Number(set.attempt ?? 1)),
        String(set.stale === true),
        String(isTerminal(set.status)),
        deadlineMs === undefined ? null : whole(deadlineMs),
        ...ttls,
      ];
      return (await ask(statements.create, values)) as CreateAnswer;
    },

    async write(jobId, { set, log, attempt, leaseMs }) {
      const { updatedAt: _, ...fields } = set;
      const values = [
        jobId,
        Object.keys(set).length > 0 ? jsonOf(texts(fields)) : null,
        log.length > 0 ? jsonOf(log.map(jsonOf)) : null,
        attempt === undefined ? null : String(attempt),
        set.attempt === undefined ? null : String(Number(set.attempt)),
        leaseMs === undefined ? null : whole(leaseMs),
        set.stale === undefined ? null : String(set.stale === true),
        String(isTerminal(set.status)),
        maxLines,
        ...ttls,
      ];
      return (await ask(statements.write, values)) as WriteAnswer;
    },

    async read(jobId, after) {
      const version = after === undefined ? null : String(after.version);
      const values = [jobId, after?.epoch ?? null, version, maxLines];
      return (await ask(statements.read, values, true)) as ReadAnswer | undefined;
    },

    async sweep(now, limit) {
      const at = now === undefined ? null : whole(now);
      const values = [at, whole(limit), String(SWEEP_BATCH), ...ttls, whole(tombstoneTtlMs), fates];
      return (await ask(statements.sweep, values)) as SweepAnswer;
    },

    async remove(jobId) {
      return (await ask(statements.remove, [jobId, whole(tombstoneTtlMs)])) as boolean;
    },

    async look(jobIds) {
      const answer = await ask(statements.look, [jsonOf(jobIds)], true);
      return new Map(Object.entries((answer ?? {}) as Record<string, Cursor>));
    },

    notify: (payloads) =>
      askPostgres(pool, { text: statements.notify, values: [names.channel, jsonOf(payloads)] }),
  };
}

function callOf(names: PostgresNames, name: keyof typeof PARAMETERS): string {
  const values = PARAMETERS[name].split(" ").map((type, index) => `$${index + 1}::text::${type}`);
  return `select ${names.of(name)}(${values.join(", ")}) as answer`;
}

/** What PostgreSQL can hold in a text: `JSON.stringify` escapes NUL and lone surrogates, which it can't. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value);
}

/** Each value as a JSON text of its own. */
function texts(fields: Readonly<Record<string, Json>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, jsonOf(value)]));
}

/** A number for a `bigint`; `Infinity` is a time that never comes. */
function whole(value: number): string {
  return BigInt(Math.round(Math.min(value, FOREVER))).toString();
}
