import { DUE_AT, END_JOB, SET_TRANSITION, TRANSITION_OF } from "./lifecycle.js";
import {
  PACK_RECORD,
  READ_TRACES,
  REPLACE_BY_TOMBSTONE,
  SERVER_TIME,
  UNPACK_RECORD,
} from "./record.js";

/** The ids that are due in one index. KEYS: index. ARGV: 1 the time, "" for the server's, 2 the most ids. */
export const FIND_DUE: string = `
local at = ARGV[1]
if at == '' then
  ${SERVER_TIME}
  at = now
end
return call('ZRANGEBYSCORE', KEYS[1], '-inf', at, 'LIMIT', 0, ARGV[2])
`;

/**
 * Makes the transition that is due for one job, and corrects its score in the index. Of several sweeps at once, only
 * the first finds something due. KEYS: job, log, index. ARGV: 1 channel, 2 the time, "" for the server's, 3
 * milliseconds for which a tombstone is kept, 4 to 6 the number of arguments for the fields of "stale", "lost" and
 * "timed-out"; then these, names and values by turns.
 *
 * Replies with the transition; with the milliseconds for which to keep the pointer of the job's key of `create` and its
 * entries in lists, each 0 to release them; with that key, "" if the pointer is to stay as it is; with the epoch and
 * the places in lists.
 *
 * It begins by writing what needs no memory. A server whose memory is full then accepts the rest too, so jobs still
 * end and are removed.
 */
export const SWEEP_JOB: string = `
local id = string.match(ARGV[1], '[^:]*$')
local record = call('HGET', KEYS[1], '.')
call('ZREM', KEYS[3], id)
if not record or record == 'removed' then return {'none', 0, 0, '', '', ''} end
${UNPACK_RECORD}${SERVER_TIME}
local at = tonumber(ARGV[2]) or now
${TRANSITION_OF}
${READ_TRACES}
if transition == 'expired' then
  ${REPLACE_BY_TOMBSTONE}
  return {transition, 0, 0, key, epoch, places}
end
if transition ~= 'none' then
  local first, count = 7, tonumber(ARGV[4])
  if transition ~= 'stale' then first, count = first + count, tonumber(ARGV[5]) end
  if transition == 'timed-out' then first, count = first + count, tonumber(ARGV[6]) end
  version = version + 1
  updatedAt, writtenAt = at, at
  ${SET_TRANSITION}
  publish('PUBLISH', ARGV[1], version)
  for name = first, first + count - 1, 2 do
    call('HSET', KEYS[1], ARGV[name], version .. ' ' .. ARGV[name + 1])
  end
  ${END_JOB}
end
${DUE_AT}
indexedAt = due
call('ZADD', KEYS[3], due, id)
if endedAt > 0 or expiresAt < due + GRACE then
  expiresAt = due + GRACE
  call('PEXPIREAT', KEYS[1], expiresAt)
  call('PEXPIREAT', KEYS[2], expiresAt)
end
if call('PTTL', KEYS[3]) < expiresAt - now then call('PEXPIREAT', KEYS[3], expiresAt) end
call('HSET', KEYS[1], '.', ${PACK_RECORD})
local keepMs = 0
if key ~= '' and due + TTL > tonumber(call('HGET', KEYS[1], '.kept')) then
  local keptUntil = due + TTL + IDLE
  call('HSET', KEYS[1], '.kept', keptUntil)
  keepMs = keptUntil - now + GRACE
end
return {transition, keepMs, due - now + TTL + IDLE + GRACE, keepMs > 0 and key or '', epoch, places}
`;

/**
 * Removes a job, whatever its state. KEYS: job, log, index. ARGV: 1 channel, 2 job id, 3 milliseconds for which the
 * tombstone is kept. Replies with 1 if there was a job, and with its key of `create`, its epoch and its places in
 * lists, all of which the caller has to release.
 */
export const REMOVE_JOB: string = `
call('ZREM', KEYS[3], ARGV[2])
local record = call('HGET', KEYS[1], '.')
if not record or record == 'removed' then return {0} end
${UNPACK_RECORD}${READ_TRACES}${REPLACE_BY_TOMBSTONE}
return {1, key, epoch, places}
`;
