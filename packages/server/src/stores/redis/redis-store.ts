import {
  type Change,
  type Delta,
  type Fields,
  isTerminal,
  type Json,
  type LogLine,
  type NewLogLine,
  parseCursor,
} from "@emlinh/progress-protocol";
import type { Created, JobDraft, ProgressStore } from "../../core/store.js";
import {
  attemptSuperseded,
  idTaken,
  jobExpired,
  jobFinished,
  jobNotFound,
  storeClosed,
} from "../../shared/errors.js";
import { newEpoch } from "../../shared/ids.js";
import { redisChannels } from "./channels.js";
import { runnerOf, textOf } from "./client.js";
import { keysBelow } from "./keys.js";
import { warnOfEviction } from "./memory.js";
import { type RedisStoreOptions, resolveRedisOptions } from "./options.js";
import { KEEP_MS, scriptsFor, whole } from "./scripts.js";
import { redisSweep } from "./sweep.js";

/**
 * Keeps jobs in Redis (6.2 and later) or Valkey, alone or as a Cluster, for any number of processes on any number of machines.
 *
 * A write is one script, and so one round trip: it refuses, numbers, stores, tells and sets the expiry as one step. All times are the server's. One
 * connection more is made at the first watch, to hear of changes on.
 *
 * Jobs are as durable as the server is set up to be. After a restart without its data, or a failover to a replica that was behind, readers are told the
 * state that there is, as a reset, or that the job is unknown.
 *
 * @throws ProgressError `invalid-option`
 * @see docs/PROTOCOL.md, P3, P6, P8, P9, P15–P18
 *
 * @example node-redis
 * ```ts
 * import { createProgress, allowAnyone } from "@emlinh/progress-server";
 * import { redisStore } from "@emlinh/progress-server/stores/redis";
 * import { createClient } from "redis";
 *
 * const client = createClient({ url: "redis://localhost:6379" });
 * client.on("error", (error) => console.error(error));
 * await client.connect();
 * const store = redisStore({ client, onError: (error) => console.error(error) });
 * const progress = createProgress({ store, authorize: allowAnyone });
 * ```
 *
 * @example ioredis
 * ```ts
 * import { redisStore } from "@emlinh/progress-server/stores/redis";
 * import { Redis } from "ioredis";
 *
 * const store = redisStore({ client: new Redis("redis://localhost:6379") });
 * ```
 */
export function redisStore(options: RedisStoreOptions): ProgressStore {
  const settings = resolveRedisOptions(options);
  const { client, prefix, maxLogLines, tombstoneTtlMs, onError } = settings;
  const keys = keysBelow(prefix);
  const scripts = scriptsFor(settings, settings.sharded);
  const run = runnerOf(client);
  const channels = redisChannels(settings, onError);
  const sweep = redisSweep({ run, scripts, keys, tombstoneTtlMs });
  /** Longer than a job that is never written to; the sweep lengthens it for those that are. */
  const pointerMs = whole(settings.idleTtlMs + settings.ttlMs + KEEP_MS);
  let closed = false;
  let isChecked = false;

  function open(): void {
    if (closed) throw storeClosed();
    if (isChecked) return;
    isChecked = true;
    warnOfEviction(() => run(scripts.memory, [keys.of("").due], []), onError);
  }

  /** Stores the draft as the job of an id. Another id than the draft's is that of its key: whoever took the key may have died before it stored the job. */
  async function store(draft: JobDraft, id: string): Promise<readonly string[]> {
    const { job, log, due, channel } = keys.of(id);
    const { set } = draft;
    const args = [
      channel,
      draft.key ?? "",
      newEpoch(),
      draft.deadlineMs === undefined ? "" : whole(draft.deadlineMs),
      String(Number(set.attempt ?? 1)),
      id === draft.id ? "" : "1",
      set.stale === true ? "1" : "0",
      isTerminal(set.status) ? "1" : "",
    ];
    addFields(args, set, OWN_AT_FIRST);
    const reply = await run(scripts.create, [job, log, due], args);
    return (reply as readonly unknown[]).map(textOf);
  }

  /**
   * A key can't be in its job's slot, so this takes two steps: the key is taken for the draft's id, unless another has it, then the job of the id that has
   * it is stored, unless it is there. Whoever dies in between leaves a key without a job, and the next one with that key stores it.
   */
  async function createByKey(draft: JobDraft, key: string): Promise<Created> {
    const pointer = [keys.pointer(key)];
    let replaced = "";
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const id = textOf(await run(scripts.claim, pointer, [draft.id, replaced, pointerMs]));
      const [outcome, cursor = ""] = await store(draft, id);
      if (outcome === "created" || outcome === "known")
        return { jobId: id, cursor, created: outcome === "created" };
      if (id === draft.id) {
        await run(scripts.release, pointer, [id]);
        throw idTaken(id);
      }
      // The key's job was removed, and whoever removed it hasn't released the key, or died before it could.
      replaced = id;
    }
    throw new Error(`The key ${JSON.stringify(key)} changed hands ${MAX_TRIES} times in a row.`);
  }

  return {
    maxLogLines,

    async create(draft) {
      open();
      if (draft.key !== undefined) return createByKey(draft, draft.key);
      const [outcome, cursor = ""] = await store(draft, draft.id);
      if (outcome !== "created") throw idTaken(draft.id);
      return { jobId: draft.id, cursor, created: true };
    },

    async write(jobId, change) {
      open();
      const { job, log, due, channel } = keys.of(jobId);
      const reply = await run(scripts.write, [job, log, due], argumentsOf(channel, change));
      return Array.isArray(reply) ? refuse(jobId, reply) : textOf(reply);
    },

    async read(jobId, after) {
      open();
      const { job, log } = keys.of(jobId);
      const { epoch = "", version = "" } = parseCursor(after) ?? {};
      const reply = await run(scripts.read, [job, log], [epoch, String(version)]);
      return Array.isArray(reply) ? deltaOf(jobId, reply) : emptyDelta(reply, false);
    },

    async watch(jobId, wake) {
      open();
      return channels.watch(keys.of(jobId).channel, wake);
    },

    async sweep(now, limit) {
      open();
      return sweep(now, limit);
    },

    async remove(jobId) {
      open();
      const { job, log, due, channel } = keys.of(jobId);
      const args = [channel, jobId, whole(tombstoneTtlMs)];
      const reply = (await run(scripts.remove, [job, log, due], args)) as readonly unknown[];
      const key = textOf(reply[1]);
      if (key !== "") await run(scripts.release, [keys.pointer(key)], [jobId]);
      return Number(reply[0]) === 1;
    },

    async close() {
      closed = true;
      channels.close();
    },
  };
}

/** Times that `create` looks whose a key is. Each try means that its job was removed since the last. */
const MAX_TRIES = 10;

/** As JSON, so that each value comes back as what it was. */
function jsonOf(value: unknown): string {
  const text = JSON.stringify(value);
  // From untyped code; the core checks changes before.
  if (text === undefined) throw new TypeError(`${typeof value} is no JSON value`);
  return text;
}

/** Adds names and values by turns, but of fields that the store sets itself. */
function addFields(args: string[], set: Fields, own: ReadonlySet<string>): void {
  for (const name of Object.keys(set)) if (!own.has(name)) args.push(name, jsonOf(set[name]));
}

const OWN: ReadonlySet<string> = new Set(["updatedAt"]);
const OWN_AT_FIRST: ReadonlySet<string> = new Set(["updatedAt", "createdAt"]);

function argumentsOf(channel: string, { set, log, attempt, leaseMs }: Change): string[] {
  const args = [
    channel,
    leaseMs === undefined ? "" : whole(leaseMs),
    attempt === undefined ? "" : String(attempt),
    turnOf(set),
    "",
  ];
  const head = args.length;
  addFields(args, set, OWN);
  args[head - 1] = String(args.length - head);
  for (const line of log) args.push(jsonOf(line));
  return args;
}

/** What few changes do: begin an attempt, mark the job, end it. */
function turnOf({ attempt, stale, status }: Fields): string {
  const ends = isTerminal(status);
  if (attempt === undefined && stale === undefined && !ends) return "";
  const marks = stale === undefined ? "-" : Number(stale === true);
  return `${attempt === undefined ? "-" : Number(attempt)} ${marks} ${ends ? 1 : "-"}`;
}

/** Why a script wrote nothing. */
function refuse(jobId: string, [why, ...details]: readonly unknown[]): never {
  switch (textOf(why)) {
    case "unknown":
      throw jobNotFound(jobId);
    case "gone":
      throw jobExpired(jobId);
    case "ended":
      throw jobFinished(jobId, String(unmark(textOf(details[0])).value));
    case "superseded":
      throw attemptSuperseded(jobId, Number(details[0]), Number(details[1]));
    default:
      throw new Error(`A script refused with ${textOf(why)}.`);
  }
}

/** The delta for a reader that has the newest version. */
function emptyDelta(cursor: unknown, done: boolean): Delta {
  return { cursor: textOf(cursor), reset: false, set: {}, log: [], done };
}

function deltaOf(jobId: string, reply: readonly unknown[]): Delta | undefined {
  const [kind, cursor, reset, updatedAt, pairs, lines, log, done] = reply;
  if (textOf(kind) === "unknown") return undefined;
  if (textOf(kind) === "gone") throw jobExpired(jobId);
  if (textOf(kind) === "done") return emptyDelta(cursor, true);
  const set: Record<string, Json> = {};
  const named = pairs as readonly unknown[];
  for (let at = 0; at < named.length; at += 2)
    set[textOf(named[at])] = unmark(textOf(named[at + 1])).value;
  set.updatedAt = Number(updatedAt);
  return {
    cursor: textOf(cursor),
    reset: Number(reset) === 1,
    set,
    log: linesOf(log as readonly unknown[], Number(lines)),
    done: Number(done) === 1,
  };
}

/** Lines are kept without their numbers: the last one's is how many there have been. */
function linesOf(texts: readonly unknown[], lines: number): LogLine[] {
  return texts.map((text, index) => {
    const { version, value } = unmark(textOf(text));
    const line = value as unknown as NewLogLine;
    return { ...line, n: lines - texts.length + 1 + index, version };
  });
}

/** Takes apart what is kept of a field, or a line: "<version> <JSON>". */
function unmark(text: string): { readonly version: number; readonly value: Json } {
  const space = text.indexOf(" ");
  return { version: Number(text.slice(0, space)), value: JSON.parse(text.slice(space + 1)) };
}
