/*
 * How a job is stored. Its hash has an entry for each field of the job: the name, and "<version> <JSON>". The scripts
 * do not parse the JSON, so a value is read back exactly as it was written.
 *
 * A line of the log is "<version> <n> <JSON>", with the line's number `n`.
 *
 * Entries whose names begin with a dot belong to the store:
 * - "." is the record: all else that the scripts need, as one binary value, which is faster to read and write than a
 *   dozen numbers. It ends with the token of the job's hold, `heldBy`, whose length may vary. After a removal it is
 *   the text "removed" instead: the tombstone. ".epoch" is then the epoch of the removed job.
 * - ".key" is the job's key of `create`, and ".kept" the time until which the pointer of that key lives at least.
 * - ".places" are the job's places in lists as JSON, which only the store's processes parse.
 *
 * Times are in milliseconds. 0 means none, except that a deadline which never comes is NEVER. `lastLine` is the number
 * of the last line. `heldSince` is the version at which the hold began, and 0 before the first hold.
 *
 * `indexedAt` is the job's score in the index of due jobs. It is never later than the job is due, and often earlier,
 * because a renewed lease does not move it. A sweep then finds the job too early and corrects the score.
 */

/** Begins every script. */
export const PRELUDE = `
local call, min, max, floor = redis.call, math.min, math.max, math.floor
local RECORD = '>dddddddddddddddc24'
`;

/** Reads `record` into local variables. `unpack` also returns where the rest begins, which is `heldBy`. */
export const UNPACK_RECORD = `
local version, lastLine, lastLineVersion, attempt, stale, leaseUntil, leaseMs, deadlineAt, writtenAt, endedAt,
  updatedAt, indexedAt, expiresAt, heldSince, heldCount, epoch, heldBy = struct.unpack(RECORD, record)
heldBy = string.sub(record, heldBy)
`;

/** The record as an expression. */
export const PACK_RECORD = `struct.pack(RECORD, version, lastLine, lastLineVersion, attempt, stale, leaseUntil,
  leaseMs, deadlineAt, writtenAt, endedAt, updatedAt, indexedAt, expiresAt, heldSince, heldCount, epoch) .. heldBy`;

/** Sets `now` from the clock of the server, so that leases do not depend on the clock of any process. */
export const SERVER_TIME = `
local time = call('TIME')
local now = time[1] * 1000 + floor(time[2] / 1000)
`;

/**
 * Sets fields from ARGV[first..last]: names and versioned values by turns. Lua's `unpack` is limited, so it sets 2000
 * at a time.
 */
export const SET_FIELDS = `
for at = first, last, 4000 do call('HSET', KEYS[1], unpack(ARGV, at, min(at + 3999, last))) end
`;

/**
 * Defines `publish`. A Lua function is created again at each run, so with plain channels it is only another name of
 * `call`.
 */
export const PUBLISH = "local publish = call";

/**
 * The same for sharded channels. A Cluster of Redis 6 has none and gets plain ones; subscribers fall back in the same
 * way.
 */
export const PUBLISH_SHARDED = `
local function publish(command, channel, text)
  local reply = redis.pcall('SPUBLISH', channel, text)
  if type(reply) == 'table' and reply.err then call('PUBLISH', channel, text) end
end
`;

/**
 * Computes what a write has to do so that a sweep finds the job, and so that the job expires by itself if no sweep
 * ever comes.
 *
 * Setting an expiry costs as much as setting a field, so it is set with a margin, and again when half of the margin
 * is used up. If a job is long overdue in the index, the index was probably evicted, and the entry is written again.
 */
export const PLAN_EXPIRY = `
local keptUntil = (endedAt > 0 and due or max(writtenAt + IDLE, leaseUntil + leaseMs + TTL)) + GRACE
local setsExpiry = endedAt > 0 or expiresAt < keptUntil - GRACE / 2
if setsExpiry then expiresAt = keptUntil end
local setsIndex = due < indexedAt or indexedAt < now - 60000
if setsIndex then indexedAt = due end
`;

/** Does what PLAN_EXPIRY computed. KEYS: job, log, index. ARGV[1]: the channel, which ends with the job's id. */
export const SET_EXPIRY = `
if setsExpiry then call('PEXPIREAT', KEYS[1], expiresAt) end
if setsExpiry and lastLine > 0 then call('PEXPIREAT', KEYS[2], expiresAt) end
if setsIndex then call('ZADD', KEYS[3], indexedAt, string.match(ARGV[1], '[^:]*$')) end
if (setsIndex or setsExpiry) and call('PTTL', KEYS[3]) < expiresAt - now then
  call('PEXPIREAT', KEYS[3], expiresAt)
end
`;

/**
 * Sets `key` and `places`, "" if the job has none, which the caller of the script needs for what the job has in other
 * slots.
 */
export const READ_TRACES = `
local key, places = call('HGET', KEYS[1], '.key') or '', call('HGET', KEYS[1], '.places') or ''
`;

/** Replaces a job by its tombstone. KEYS: job, log. ARGV: 1 channel, 3 milliseconds for which it is kept. */
export const REPLACE_BY_TOMBSTONE = `
publish('PUBLISH', ARGV[1], '')
call('DEL', KEYS[1], KEYS[2])
call('HSET', KEYS[1], '.', 'removed', '.epoch', epoch)
call('PEXPIRE', KEYS[1], ARGV[3])
`;
