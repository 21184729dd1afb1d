import { UNPACK_RECORD } from "./record.js";

/*
 * A list is a sorted set: an entry per job, "<job id>.<epoch>", scored by its position. It is in the slot of the
 * subject and the job in another one, so no script can touch both. An entry is therefore only a hint: a job is listed
 * if its record has the epoch of the entry. The epoch is random, so only the creation that added the entry can make it
 * valid.
 *
 * A position is the time at which the entry was added, in microseconds since the epoch, or the next higher number if it
 * is taken or the clock was set back. So it is unique in its list, and it does not begin again below earlier positions
 * when a list that was empty gets its next job.
 */

/** Sets `microseconds` from the clock of the server. */
const MICROSECONDS = `
local time = call('TIME')
local microseconds = time[1] * 1000000 + time[2]
`;

/**
 * Adds an entry as the newest one. An entry that is there keeps its position: the call may arrive twice. KEYS: list.
 * ARGV: 1 entry, 2 milliseconds for which the list is kept at least, 3 the number of entries to reply with. Replies
 * with the position, the time, and entries that were chosen at random, with their positions.
 */
export const ADD_TO_LIST: string = `
${MICROSECONDS}
local known = call('ZSCORE', KEYS[1], ARGV[1])
if known then return {known, microseconds, {}} end
local position = microseconds
local newest = call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if newest[2] then position = max(position, newest[2] + 1) end
local sample = call('ZRANDMEMBER', KEYS[1], ARGV[3], 'WITHSCORES')
call('ZADD', KEYS[1], string.format('%.0f', position), ARGV[1])
if call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then call('PEXPIRE', KEYS[1], ARGV[2]) end
return {position, microseconds, sample}
`;

/**
 * Keeps an entry, and adds it again at its position if it was lost. KEYS: list. ARGV: 1 channel, 2 entry, 3
 * milliseconds for which the list is kept at least, 4 position.
 *
 * ZREM needs no memory. A server whose memory is full refuses a script's first write if that needs memory, and no later
 * one, so a sweep is not stopped here.
 */
export const KEEP_IN_LIST: string = `
if not call('ZSCORE', KEYS[1], ARGV[2]) then
  publish('PUBLISH', ARGV[1], '')
  call('ZREM', KEYS[1], ARGV[2])
  call('ZADD', KEYS[1], ARGV[4], ARGV[2])
end
if call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then call('PEXPIRE', KEYS[1], ARGV[3] + GRACE) end
`;

/** Removes entries, and wakes the watchers if a channel is given. KEYS: list. ARGV: 1 channel or "", then entries. */
export const REMOVE_FROM_LIST: string = `
if ARGV[1] ~= '' then publish('PUBLISH', ARGV[1], '') end
for at = 2, #ARGV do call('ZREM', KEYS[1], ARGV[at]) end
`;

/** Wakes the watchers of a list. KEYS: list. ARGV: 1 channel. */
export const ANNOUNCE_LIST: string = `
publish('PUBLISH', ARGV[1], '')
`;

/**
 * The newest entries, or those below a position. KEYS: list. ARGV: 1 the highest score as ZREVRANGEBYSCORE takes it, 2
 * the most entries. Replies with the time, and with the entries and their positions by turns.
 */
export const READ_LIST: string = `
${MICROSECONDS}
return {microseconds, call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])}
`;

/** The epochs of jobs, "" for those that are unknown or removed. KEYS: jobs, all in one slot. */
export const READ_EPOCHS: string = `
local function epochOf(record)
  if not record or record == 'removed' then return '' end
  ${UNPACK_RECORD}
  return epoch
end
local epochs = {}
for at = 1, #KEYS do epochs[at] = epochOf(call('HGET', KEYS[at], '.')) end
return epochs
`;
