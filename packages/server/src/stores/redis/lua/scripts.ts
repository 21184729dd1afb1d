import type { StoreLimits } from "../../shared/store-options.js";
import { CREATE_JOB } from "./create-job.js";
import {
  ADD_TO_LIST,
  ANNOUNCE_LIST,
  KEEP_IN_LIST,
  READ_EPOCHS,
  READ_LIST,
  REMOVE_FROM_LIST,
} from "./job-lists.js";
import { LEARN, READ_LEARNED } from "./learned-durations.js";
import { READ_JOB } from "./read-job.js";
import { PRELUDE, PUBLISH, PUBLISH_SHARDED } from "./record.js";
import { FIND_DUE, REMOVE_JOB, SWEEP_JOB } from "./sweep-job.js";
import { WRITE_JOB } from "./write-job.js";

/** A Lua script. Redis knows it by the hash once it has run it. */
export interface RedisScript {
  readonly source: string;
  /** The SHA-1 of `source` in hex, set at the first use because computing it is asynchronous. */
  sha?: string;
}

/** The store's scripts. Each runs as one step: other clients see nothing between its start and its end. */
export interface RedisScripts {
  readonly create: RedisScript;
  readonly write: RedisScript;
  readonly read: RedisScript;
  readonly remove: RedisScript;
  readonly findDue: RedisScript;
  readonly sweep: RedisScript;
  readonly claimKey: RedisScript;
  readonly releaseKey: RedisScript;
  readonly addToList: RedisScript;
  readonly keepInList: RedisScript;
  readonly removeFromList: RedisScript;
  readonly announceList: RedisScript;
  readonly readList: RedisScript;
  readonly readEpochs: RedisScript;
  readonly learn: RedisScript;
  readonly readLearned: RedisScript;
  readonly memoryInfo: RedisScript;
}

/**
 * Stands for a time that never comes. Lua's numbers are doubles, and so are scores: twice this is still an exact
 * integer.
 */
const NEVER_MS = 4e15;

/**
 * Milliseconds for which keys outlive the time at which a sweep should have removed them. So the sweep removes the
 * job, wakes its watchers and leaves a tombstone; the expiry of Redis does none of that.
 */
export const GRACE_MS = 3_600_000;

/** Lines that a log may hold beyond those that are read, so that not every write has to trim it. */
const SPARE_LINES = 20;

/** The scripts for some limits, which are constants in them, so that calls need not send them. */
export function redisScripts(limits: StoreLimits, sharded: boolean): RedisScripts {
  const { ttlMs, idleTtlMs, maxLogLines } = limits;
  const values = [ttlMs, idleTtlMs, maxLogLines, SPARE_LINES, GRACE_MS, NEVER_MS];
  const constants = `local TTL, IDLE, LINES, SPARE, GRACE, NEVER = ${values.map(integerText).join(", ")}`;
  const reads = `${PRELUDE}${constants}`;
  const writes = `${reads}\n${sharded ? PUBLISH_SHARDED : PUBLISH}`;
  return {
    create: { source: writes + CREATE_JOB },
    write: { source: writes + WRITE_JOB },
    read: { source: reads + READ_JOB },
    remove: { source: writes + REMOVE_JOB },
    findDue: { source: PRELUDE + FIND_DUE },
    sweep: { source: writes + SWEEP_JOB },
    claimKey: { source: CLAIM_KEY },
    releaseKey: { source: RELEASE_KEY },
    addToList: { source: PRELUDE + ADD_TO_LIST },
    keepInList: { source: writes + KEEP_IN_LIST },
    removeFromList: { source: writes + REMOVE_FROM_LIST },
    announceList: { source: writes + ANNOUNCE_LIST },
    readList: { source: PRELUDE + READ_LIST },
    readEpochs: { source: PRELUDE + READ_EPOCHS },
    learn: { source: PRELUDE + LEARN },
    readLearned: { source: READ_LEARNED },
    memoryInfo: { source: MEMORY_INFO },
  };
}

/** A number as digits, as Lua would not print it: rounded up, and {@link NEVER_MS} for anything longer. */
export function integerText(value: number): string {
  return String(Math.ceil(Math.min(value, NEVER_MS)));
}

/**
 * Points a key of `create` at a job, unless it points at another one. KEYS: pointer. ARGV: 1 job id, 2 a job id that
 * may be replaced, 3 milliseconds for which the pointer is kept. Replies with the job that the key points at now.
 */
const CLAIM_KEY = `
local current = redis.call('GET', KEYS[1])
if current and current ~= ARGV[2] then return current end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return ARGV[1]
`;

/** Deletes the pointer of a key if it still points at the job. KEYS: pointer. ARGV: 1 job id. */
const RELEASE_KEY = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/**
 * By INFO, which scripts may call, and which managed servers answer where they refuse CONFIG. KEYS: any, to select a
 * node.
 */
const MEMORY_INFO = `return redis.call('INFO', 'memory')`;
