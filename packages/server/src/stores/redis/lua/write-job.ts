import { CHECK_WRITE, CLOSE_STEPS, DUE_AT, SET_LEASE } from "./lifecycle.js";
import {
  PACK_RECORD,
  PLAN_EXPIRY,
  SERVER_TIME,
  SET_EXPIRY,
  SET_FIELDS,
  UNPACK_RECORD,
} from "./record.js";

/**
 * Writes one change. KEYS: job, log, index. ARGV: 1 channel, 2 leaseMs, 3 attempt, 4 what few changes do, as
 * "<attempt that begins> <stale> <1 at the end>" with "-" for none, 5 the number of the arguments that follow for
 * fields; then names and values by turns, then log lines. "" means absent.
 *
 * ARGV[4] and ARGV[5] are reused for the record. The version is published before anything is written: the server
 * sends the message when the script is over, and if publishing were refused, nothing would have been written.
 */
export const WRITE_JOB: string = `
local record = call('HGET', KEYS[1], '.')
if not record then return {'unknown'} end
if record == 'removed' then return {'removed'} end
${UNPACK_RECORD}
local lease, ownAttempt, nextAttempt, marks, ends = tonumber(ARGV[2]), tonumber(ARGV[3]), nil, nil, nil
if ARGV[4] ~= '' then
  nextAttempt, marks, ends = string.match(ARGV[4], '(%S+) (%S+) (%S+)')
  nextAttempt = tonumber(nextAttempt)
end
${CHECK_WRITE}${SERVER_TIME}
local first, last = 4, 5 + ARGV[5]
local revives = lease and stale == 1
${SET_LEASE}
if revives then stale = 0 elseif marks then stale = tonumber(marks) or stale end
if ends == '1' then
  endedAt = now
  leaseUntil = 0
end
writtenAt = now
local isVisible = revives or #ARGV > 5
if isVisible then
  version = version + 1
  updatedAt = now
end
local versionText = version .. ''
if isVisible then publish('PUBLISH', ARGV[1], versionText) end
local prefix = versionText .. ' '
for at = 7, last, 2 do ARGV[at] = prefix .. ARGV[at] end
local isNewLog = false
if #ARGV > last then
  for at = last + 1, #ARGV do ARGV[at] = prefix .. ARGV[at] end
  local length = 0
  for at = last + 1, #ARGV, 4000 do length = call('RPUSH', KEYS[2], unpack(ARGV, at, min(at + 3999, #ARGV))) end
  isNewLog = length == #ARGV - last
  if length >= LINES + SPARE then call('LTRIM', KEYS[2], -LINES, -1) end
  lineCount, lastLineVersion = lineCount + #ARGV - last, version
end
${DUE_AT}${PLAN_EXPIRY}
ARGV[4] = '.'
ARGV[5] = ${PACK_RECORD}
${SET_FIELDS}
if revives then call('HSET', KEYS[1], 'stale', prefix .. 'false') end
${CLOSE_STEPS}
if isNewLog and not setsExpiry then call('PEXPIREAT', KEYS[2], expiresAt) end
${SET_EXPIRY}
return epoch .. '.' .. versionText
`;
