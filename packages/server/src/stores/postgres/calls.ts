import type { Change, Cursor, CursorParts, Json } from "@emlinh/progress-protocol";
import type { Durations, Expectation, Expectations, JobDraft } from "../../core/store.js";
import { fieldsOfTransition, type Transition } from "../../shared/lifecycle.js";
import {
  createValues,
  integerText,
  jsonOf,
  jsonTexts,
  logarithmsOf,
  writeValues,
} from "./call-values.js";
import { functionCaller } from "./function-calls.js";
import type { PostgresNames } from "./names.js";
import type { PostgresSettings } from "./options.js";
import { runQuery } from "./query.js";
import type { WatchKey } from "./watch-key.js";

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
  /** The subjects of removed jobs. Absent before the migration to the second version. */
  readonly subjects?: readonly string[];
  /** Whether it has checked all due jobs. */
  readonly done: boolean;
  /** Whether more jobs are due. Only known if the limit was reached. */
  readonly more: boolean;
}

/** One of the answers of `list_jobs`: a job and its place in the list. */
export type ListedJob = readonly [place: number | string, jobId: string];

/** The answer of `read_expectations`, by step as JSON. */
type ExpectationsAnswer = Readonly<
  Record<string, readonly [count: number, mean: number, variance: number]>
>;

/** The calls of the functions in the database: one statement each. */
export interface PostgresCalls {
  create(draft: JobDraft): Promise<CreateAnswer>;
  write(jobId: string, change: Change): Promise<WriteAnswer>;
  /** Resolves with `undefined` for an unknown job. */
  read(jobId: string, after: CursorParts | undefined): Promise<ReadAnswer | undefined>;
  /** Resolves with the subjects of the job; `undefined` if there was none. */
  remove(jobId: string): Promise<readonly string[] | undefined>;
  sweep(now: number | undefined, limit: number): Promise<SweepAnswer>;
  /** Resolves with the jobs after a place, at most one more than the limit. */
  list(subject: string, limit: number, after: ListedJob): Promise<readonly ListedJob[]>;
  learn(kind: string, durations: Durations): Promise<void>;
  expectations(kind: string): Promise<Expectations>;
  /** The cursors of those of the jobs that exist, and one of each list that has changed within a day. */
  currentCursors(keys: readonly WatchKey[]): Promise<ReadonlyMap<WatchKey, Cursor>>;
  notify(payloads: readonly string[]): Promise<unknown>;
}

/** Jobs whose rows one transaction of a sweep may lock. Their writers wait for it. */
const SWEEP_BATCH = 50;

/** The calls for one store. */
export function postgresCalls(settings: PostgresSettings): PostgresCalls {
  const { pool, names, tombstoneTtlMs } = settings;
  const { call, query } = functionCaller(settings);
  const ttls = [integerText(settings.ttlMs), integerText(settings.idleTtlMs)];
  const maxLines = integerText(settings.maxLogLines);
  const tombstoneMs = integerText(tombstoneTtlMs);
  const cursors = cursorsSql(names);
  const isRepeatable = true;
  return {
    async create(draft) {
      const subjects = draft.subjects === undefined ? null : jsonOf(draft.subjects);
      const values = [...createValues(draft), ...ttls, subjects];
      return (await call("create_job", values, { isRepeatable })) as CreateAnswer;
    },
    async write(jobId, change) {
      const values = [jobId, ...writeValues(change), maxLines, ...ttls];
      // A write with a hold that has run is answered with the current cursor, and changes nothing.
      const options = { isRepeatable: change.hold !== undefined };
      return (await call("write_job", values, options)) as WriteAnswer;
    },
    async read(jobId, after) {
      const version = after === undefined ? null : String(after.version);
      const values = [jobId, after?.epoch ?? null, version, maxLines];
      return (await call("read_job", values, { isRepeatable })) as ReadAnswer | undefined;
    },
    async remove(jobId) {
      const answer = await call("remove_listed_job", [jobId, tombstoneMs]);
      return answer as readonly string[] | undefined;
    },
    async sweep(now, limit) {
      const at = now === undefined ? null : integerText(now);
      const bounds = [integerText(limit), String(SWEEP_BATCH), ...ttls, tombstoneMs];
      return (await call("sweep_jobs", [at, ...bounds, TRANSITION_FIELDS])) as SweepAnswer;
    },
    async list(subject, limit, [place, jobId]) {
      const values = [subject, integerText(limit), String(place), jobId];
      return ((await call("list_jobs", values, { isRepeatable })) ?? []) as readonly ListedJob[];
    },
    async learn(kind, durations) {
      // Not repeatable: the durations would count twice.
      await call("learn", [jsonOf(kind), logarithmsOf(durations)]);
    },
    async expectations(kind) {
      const answer = await call("read_expectations", [jsonOf(kind)], { isRepeatable });
      return expectationsOf((answer ?? {}) as ExpectationsAnswer);
    },
    async currentCursors(keys) {
      const answer = await query({ text: cursors, values: [jsonOf(keys)], isRepeatable });
      return new Map(Object.entries((answer ?? {}) as Record<WatchKey, Cursor>));
    },
    notify: (payloads) =>
      runQuery(pool, { text: NOTIFY, values: [names.channel, jsonOf(payloads)] }),
  };
}

function expectationsOf(answer: ExpectationsAnswer): Expectations {
  const entries = Object.entries(answer).map(([step, [count, mean, variance]]) => {
    const expectation: Expectation = { count, mean, variance };
    return [String(JSON.parse(step)), expectation] as const;
  });
  return Object.fromEntries(entries);
}

/** A list has another epoch after each change: a digest of its rows. */
function cursorsSql({ of }: PostgresNames): string {
  return `select json_object_agg(found.key, found.cursor)::text as answer from (
    select j.id as key, j.epoch || '.' || j.version as cursor
      from json_array_elements_text($1::text::json) as each (key)
      join ${of("jobs")} j on j.id = each.key where not j.removed
    union all
    select '@' || l.subject, md5(string_agg(l.shard || '.' || l.version, ' ' order by l.shard)) || '.1'
      from json_array_elements_text($1::text::json) as each (key)
      join ${of("list_versions")} l on l.subject = substr(each.key, 2) where each.key like '@%' group by l.subject
  ) as found`;
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
