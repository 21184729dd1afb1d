import { SERVER_TIME, UNPACK_RECORD } from "./record.js";

/**
 * Reads what changed after a cursor. KEYS: job, log. ARGV: 1 epoch, 2 version.
 *
 * If there is nothing newer, it reads the record only, and replies with the cursor and the time. `updatedAt` is in the
 * record and not a field, because each version sets it.
 */
export const READ_JOB: string = `
local find, sub = string.find, string.sub
local function versionOf(text) return tonumber(sub(text, 1, find(text, ' ', 1, true) - 1)) end
local function linesAfter(from)
  local count, lines = 4, {}
  repeat
    count = min(count * 4, LINES)
    lines = call('LRANGE', KEYS[2], -count, -1)
  until #lines < count or count == LINES or versionOf(lines[1]) <= from
  while #lines > 0 and versionOf(lines[1]) <= from do table.remove(lines, 1) end
  return lines
end
local record = call('HGET', KEYS[1], '.')
if not record then return {'unknown'} end
if record == 'removed' then return {'removed'} end
${UNPACK_RECORD}${SERVER_TIME}
local cursor = epoch .. '.' .. version
local from = epoch == ARGV[1] and tonumber(ARGV[2]) or -1
if from == version then return {endedAt > 0 and 'done' or 'current', cursor, now} end
if from > version then from = -1 end
local all, set, count = call('HGETALL', KEYS[1]), {}, 0
for at = 1, #all, 2 do
  local name, value = all[at], all[at + 1]
  if sub(name, 1, 1) ~= '.' then
    if versionOf(value) > from then
      set[count + 1] = name
      set[count + 2] = value
      count = count + 2
    end
  end
end
local log = {}
if from < 0 and lastLine > 0 then
  log = call('LRANGE', KEYS[2], -LINES, -1)
elseif lastLineVersion > from then
  log = linesAfter(from)
end
return {'delta', cursor, now, from < 0 and 1 or 0, updatedAt, set, log, endedAt > 0 and 1 or 0}
`;
