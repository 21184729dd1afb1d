import {
  type Change,
  type Cursor,
  type Fields,
  type HoldOpening,
  isTerminal,
  parseCursor,
} from "@emlinh/progress-protocol";
import type { JobDraft, StoredDelta, Written } from "../../core/store.js";
import { fieldsOfTransition, setsProgress, type Transition } from "../../shared/lifecycle.js";
import { textOf } from "./client.js";
import type { RedisKeys } from "./keys.js";
import type { EnlistedJob } from "./lists/job-lists.js";
import { type PlacedJob, placesOf, placesText } from "./lists/list-entry.js";
import { integerText, type RedisScripts } from "./lua/scripts.js";
import { readDelta, readWritten } from "./replies.js";
import type { RunScript } from "./run-script.js";

/** The reply of a script that creates a job. */
export interface CreateReply {
  /**
   * `taken`: another job has the id. `removed`: the id has a tombstone, which was to be kept. `late`: the entries of
   * the job in lists may be gone.
   */
  readonly outcome: "created" | "known" | "taken" | "removed" | "late";
  /** For `created` and `known`. */
  readonly cursor: Cursor;
}

/** The result of a sweep for one job. */
export interface SweepReply extends JobTraces {
  readonly transition: Transition | undefined;
  /** Milliseconds for which the pointer of the key has to be kept; 0 to release it. */
  readonly keepMs: number;
  /** Milliseconds for which the places have to be kept; 0 to release them. */
  readonly keepPlacesMs: number;
}

/** The traces of a job in other slots, which the script that changes the job can't change. */
interface JobTraces extends PlacedJob {
  /** The job's key of `create` if its pointer has to be updated, else "". */
  readonly key: string;
}

/** The calls of the store's scripts: one command each. */
export interface RedisCalls {
  /**
   * Stores the draft under the id, the epoch and the places of `job`. If that is not the draft's own id, a tombstone of
   * the id is kept.
   */
  create(draft: JobDraft, job: Omit<EnlistedJob, "tidy">): Promise<CreateReply>;
  write(jobId: string, change: Change): Promise<Written>;
  read(jobId: string, after?: Cursor): Promise<StoredDelta | undefined>;
  /** Resolves with `undefined` if there was no job. */
  remove(jobId: string): Promise<JobTraces | undefined>;
  /** The ids that are due in one index, at most `limit`. `at` is "" for the server's time. */
  findDue(index: string, at: string, limit: number): Promise<readonly string[]>;
  sweep(jobId: string, at: string): Promise<SweepReply>;
  /**
   * Points a key of `create` at a job, unless it points at a job other than `replaced`. Resolves with the job that it
   * points at.
   */
  claimKey(key: string, jobId: string, how: ClaimOptions): Promise<string>;
  /** Deletes the pointer of a key if it points at this job. */
  releaseKey(key: string, jobId: string): Promise<unknown>;
  /** `INFO memory` of one node. */
  memoryInfo(): Promise<unknown>;
}

/** How {@link RedisCalls.claimKey} claims a key. */
interface ClaimOptions {
  /** The id of a job that may lose the key. */
  readonly replaced: string;
  readonly keepMs: number;
}

/** The fields that the scripts set by themselves: at a creation, at the end of a job, and at any other write. */
const SET_BY_CREATE: ReadonlySet<string> = new Set(["updatedAt", "createdAt"]);
const SET_BY_END: ReadonlySet<string> = new Set(["updatedAt", "finishedAt"]);
const SET_BY_WRITE: ReadonlySet<string> = new Set(["updatedAt"]);

/** Stands for "none" in the fifth argument of WRITE_JOB. */
const NONE = "-";

/** Arguments of SWEEP_JOB: the fields of each transition. */
const TRANSITION_ARGUMENTS: readonly string[] = transitionArguments();

/** Options of {@link redisCalls}. */
export interface RedisCallsOptions {
  readonly run: RunScript;
  readonly scripts: RedisScripts;
  readonly keys: RedisKeys;
  readonly tombstoneTtlMs: number;
}

/** The calls for one store. */
export function redisCalls({ run, scripts, keys, tombstoneTtlMs }: RedisCallsOptions): RedisCalls {
  const tombstoneMs = integerText(tombstoneTtlMs);
  return {
    async create(draft, placed) {
      const { job, log, index, channel } = keys.of(placed.jobId);
      const args = [channel, ...createArguments(draft, placed)];
      const reply = (await run(scripts.create, [job, log, index], args)) as readonly unknown[];
      const outcome = textOf(reply[0]) as CreateReply["outcome"];
      return { outcome, cursor: textOf(reply[1] ?? "") };
    },

    async write(jobId, change) {
      const { job, log, index, channel } = keys.of(jobId);
      const args = writeArguments(channel, change);
      return readWritten(jobId, await run(scripts.write, [job, log, index], args));
    },

    async read(jobId, after) {
      const { job, log } = keys.of(jobId);
      const { epoch = "", version = "" } = parseCursor(after) ?? {};
      return readDelta(jobId, await run(scripts.read, [job, log], [epoch, String(version)]));
    },

    async remove(jobId) {
      const { job, log, index, channel } = keys.of(jobId);
      const reply = await run(scripts.remove, [job, log, index], [channel, jobId, tombstoneMs]);
      const [isRemoved, ...traces] = reply as readonly unknown[];
      return Number(isRemoved) === 1 ? tracesOf(jobId, traces) : undefined;
    },

    async findDue(index, at, limit) {
      const ids = await run(scripts.findDue, [index], [at, integerText(limit)]);
      return (ids as readonly unknown[]).map(textOf);
    },

    async sweep(jobId, at) {
      const { job, log, index, channel } = keys.of(jobId);
      const args = [channel, at, tombstoneMs, ...TRANSITION_ARGUMENTS];
      const reply = (await run(scripts.sweep, [job, log, index], args)) as readonly unknown[];
      const [made, keepMs, keepPlacesMs, ...traces] = reply;
      const transition = textOf(made);
      return {
        ...tracesOf(jobId, traces),
        transition: transition === "none" ? undefined : (transition as Transition),
        keepMs: Number(keepMs),
        keepPlacesMs: Number(keepPlacesMs),
      };
    },

    async claimKey(key, jobId, { replaced, keepMs }) {
      const args = [jobId, replaced, integerText(keepMs)];
      return textOf(await run(scripts.claimKey, [keys.pointer(key)], args));
    },

    releaseKey: (key, jobId) => run(scripts.releaseKey, [keys.pointer(key)], [jobId]),

    memoryInfo: () => run(scripts.memoryInfo, [keys.of("").index], []),
  };
}

function tracesOf(jobId: string, reply: readonly unknown[]): JobTraces {
  const [key = "", epoch = "", places = ""] = reply.map(textOf);
  return { jobId, key, epoch, places: placesOf(places) };
}

function createArguments(
  { id, key, set, deadlineMs }: JobDraft,
  { jobId, epoch, places, createBefore }: Omit<EnlistedJob, "tidy">,
): string[] {
  const args = [
    key ?? "",
    epoch,
    deadlineMs === undefined ? "" : integerText(deadlineMs),
    String(Number(set.attempt ?? 1)),
    jobId === id ? "" : "1",
    placesText(places),
    Number.isFinite(createBefore) ? integerText(createBefore) : "",
    set.stale === true ? "1" : "0",
    isTerminal(set.status) ? "1" : "",
  ];
  addFields(args, set, SET_BY_CREATE);
  return args;
}

function writeArguments(channel: string, change: Change): string[] {
  const { set, log, leaseMs, hold } = change;
  const ends = isTerminal(set.status);
  const args = [
    channel,
    leaseMs === undefined ? "" : integerText(leaseMs),
    hold?.token ?? "",
    hold === undefined ? "" : integerText(hold.count),
    rareArgument(change, ends),
    "",
  ];
  const fixedCount = args.length;
  addFields(args, set, ends ? SET_BY_END : SET_BY_WRITE);
  args[fixedCount - 1] = String(args.length - fixedCount);
  for (const line of log) args.push(jsonOf(line));
  return args;
}

/** ARGV[5] of WRITE_JOB, "" for most changes. */
function rareArgument({ set, lostLines = 0, hold }: Change, ends: boolean): string {
  const { attempt, stale } = set;
  const texts = [
    attempt === undefined ? NONE : Number(attempt),
    stale === undefined ? NONE : Number(stale === true),
    ends ? 1 : NONE,
    lostLines > 0 ? integerText(lostLines) : NONE,
    // Only a write without a hold is refused for it.
    hold === undefined && setsProgress(set) ? 1 : NONE,
    ...openingTexts(hold?.opens),
  ];
  return texts.every((text) => text === NONE) ? "" : texts.join(" ");
}

function openingTexts(opens: HoldOpening | undefined): readonly (string | number)[] {
  if (opens === undefined) return [NONE, NONE, NONE];
  const { epoch = NONE, version = 0 } = parseCursor(opens.seen) ?? {};
  return [opens.takeOver ? 1 : 0, epoch, version];
}

function transitionArguments(): readonly string[] {
  const fields = (["stale", "lost", "timed-out"] as const).map((transition) => {
    const args: string[] = [];
    addFields(args, fieldsOfTransition(transition, 0), SET_BY_END);
    return args;
  });
  return [...fields.map(({ length }) => String(length)), ...fields.flat()];
}

/** Appends names and values by turns, without the fields that the store sets by itself. */
function addFields(args: string[], set: Fields, setByStore: ReadonlySet<string>): void {
  for (const name of Object.keys(set))
    if (!setByStore.has(name)) args.push(name, jsonOf(set[name]));
}

function jsonOf(value: unknown): string {
  const text = JSON.stringify(value);
  // Only untyped code gets here: the core checks changes first.
  if (text === undefined)
    throw new TypeError(`A value of type ${typeof value} can't be stored as JSON.`);
  return text;
}
