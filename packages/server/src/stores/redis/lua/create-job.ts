import { DUE_AT, END_JOB } from "./lifecycle.js";
import {
  PACK_RECORD,
  PLAN_EXPIRY,
  SERVER_TIME,
  SET_EXPIRY,
  SET_FIELDS,
  UNPACK_RECORD,
} from "./record.js";

/**
 * Creates a job; mirrors `timesAtCreation` of shared/lifecycle.ts. KEYS: job, log, index. ARGV: 1 channel, 2 key, 3
 * epoch, 4 deadlineMs, 5 attempt, 6 "1" to keep a tombstone, 7 the job's places in lists, 8 the time after which its
 * entries in lists may be gone, 9 stale, 10 "1" if the job has ended; then names and values by turns. "" means absent.
 *
 * A call that arrives twice has the same epoch, and is answered as the first time, also after the job was removed.
 *
 * ARGV[9] and ARGV[10] are reused for the record. The fields are set before any other write, because a server whose
 * memory is full refuses a script's first write if that needs memory, and no later one.
 */
export const CREATE_JOB: string = `
local record = call('HGET', KEYS[1], '.')
if record == 'removed' then
  if call('HGET', KEYS[1], '.epoch') == ARGV[3] then return {'created', ARGV[3] .. '.1'} end
  if ARGV[6] == '1' then return {'removed'} end
elseif record then
  ${UNPACK_RECORD}
  if epoch == ARGV[3] then return {'created', epoch .. '.1'} end
  if ARGV[2] == '' or call('HGET', KEYS[1], '.key') ~= ARGV[2] then return {'taken'} end
  return {'known', epoch .. '.' .. version}
end
${SERVER_TIME}
if ARGV[8] ~= '' and now > tonumber(ARGV[8]) then return {'late'} end
local version, lastLine, lastLineVersion, attempt, stale = 1, 0, 0, tonumber(ARGV[5]), tonumber(ARGV[9])
local leaseUntil, leaseMs, deadlineAt = 0, 0, ARGV[4] == '' and NEVER or now + tonumber(ARGV[4])
local writtenAt, endedAt, updatedAt, epoch = now, ARGV[10] == '1' and now or 0, now, ARGV[3]
local indexedAt, expiresAt, heldSince, heldCount, heldBy = NEVER * 2, 0, 0, 0, ''
${DUE_AT}${PLAN_EXPIRY}
for at = 12, #ARGV, 2 do ARGV[at] = '1 ' .. ARGV[at] end
ARGV[9] = '.'
ARGV[10] = ${PACK_RECORD}
publish('PUBLISH', ARGV[1], '')
local first, last = 9, #ARGV
${SET_FIELDS}
call('HSET', KEYS[1], 'createdAt', '1 ' .. now)
${END_JOB}
call('DEL', KEYS[2])
if ARGV[2] ~= '' then call('HSET', KEYS[1], '.key', ARGV[2], '.kept', now + IDLE + TTL) end
if ARGV[7] ~= '' then call('HSET', KEYS[1], '.places', ARGV[7]) end
${SET_EXPIRY}
return {'created', epoch .. '.1'}
`;
