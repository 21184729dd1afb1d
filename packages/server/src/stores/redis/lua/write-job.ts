import { CHECK_WRITE, DUE_AT, END_JOB, SET_HOLD, SET_LEASE } from "./lifecycle.js";
import {
  PACK_RECORD,
  PLAN_EXPIRY,
  SERVER_TIME,
  SET_EXPIRY,
  SET_FIELDS,
  UNPACK_RECORD,
} from "./record.js";

/**
 * Writes one change. KEYS: job, log, index. ARGV: 1 channel, 2 leaseMs, 3 token and 4 count of the hold, 5 what few
 * changes do, 6 the number of the arguments that follow for fields; then names and values by turns, then log lines. ""
 * means absent.
 *
 * ARGV[5] has eight texts with a space between them, and "-" for none: the attempt that begins; the mark as stale;
 * "1" at the end; the number of lost lines; "1" for progress without a hold; and of an opening "1" for a takeover, else
 * "0", with the epoch and the version that were seen.
 *
 * Replies with the cursor and the time as one text, which is cheaper than a list.
 *
 * ARGV[5] and ARGV[6] are reused for the record. The version is published before anything is written: the server
 * sends the message when the script is over, and if publishing were refused, nothing would have been written.
 */
export const WRITE_JOB: string = `
local record = call('HGET', KEYS[1], '.')
if not record then return {'unknown'} end
if record == 'removed' then return {'removed'} end
${UNPACK_RECORD}
${SERVER_TIME}
local lease, token, count = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local nextAttempt, marks, ends, lostLines, setsProgress, opens, seenEpoch, seenVersion
if ARGV[5] ~= '' then
  local given = {}
  for text in string.gmatch(ARGV[5], '%S+') do given[#given + 1] = text ~= '-' and text end
  nextAttempt, marks, ends, lostLines = tonumber(given[1]), given[2], given[3], tonumber(given[4])
  setsProgress, opens, seenEpoch, seenVersion = given[5], given[6], given[7], tonumber(given[8])
end
${CHECK_WRITE}
local first, last = 5, 6 + ARGV[6]
attempt = nextAttempt or attempt
local revives = lease and stale == 1
${SET_LEASE}
if revives then stale = 0 elseif marks then stale = tonumber(marks) or stale end
if ends == '1' then
  endedAt = now
  leaseUntil = 0
end
writtenAt = now
local isVisible = revives or #ARGV > 6
if isVisible then
  version = version + 1
  updatedAt = now
end
${SET_HOLD}
local versionText = version .. ''
if isVisible then publish('PUBLISH', ARGV[1], versionText) end
local prefix = versionText .. ' '
for at = 8, last, 2 do ARGV[at] = prefix .. ARGV[at] end
local isNewLog = false
if #ARGV > last then
  lastLine, lastLineVersion = lastLine + (lostLines or 0), version
  for at = last + 1, #ARGV do
    lastLine = lastLine + 1
    ARGV[at] = prefix .. lastLine .. ' ' .. ARGV[at]
  end
  local length = 0
  for at = last + 1, #ARGV, 4000 do length = call('RPUSH', KEYS[2], unpack(ARGV, at, min(at + 3999, #ARGV))) end
  isNewLog = length == #ARGV - last
  if length >= LINES + SPARE then call('LTRIM', KEYS[2], -LINES, -1) end
end
${DUE_AT}${PLAN_EXPIRY}
ARGV[5] = '.'
ARGV[6] = ${PACK_RECORD}
${SET_FIELDS}
if revives then call('HSET', KEYS[1], 'stale', prefix .. 'false') end
${END_JOB}
if isNewLog and not setsExpiry then call('PEXPIREAT', KEYS[2], expiresAt) end
${SET_EXPIRY}
return epoch .. '.' .. versionText .. ' ' .. now
`;
