import type { StoreLimits } from "../shared/store-options.js";

/** A Lua script, and the name by which Redis knows it once it has seen it. */
export interface RedisScript {
  readonly source: string;
  /** The SHA-1 of `source` in hex; worked out at the first use, since that can't be done at once. */
  sha?: string;
}

/** The store's scripts. Each runs as one step: nothing is seen between its beginning and its end. */
export interface RedisScripts {
  readonly create: RedisScript;
  readonly write: RedisScript;
  readonly read: RedisScript;
  /** The ids in one index that are due. */
  readonly due: RedisScript;
  /** Does to one job what is due, and sets when to look again. */
  readonly settle: RedisScript;
  /** Removes one job, whatever its state. */
  readonly remove: RedisScript;
  /** Takes a key of `create` for a job, unless another has it. */
  readonly claim: RedisScript;
  /** Gives a key up, if it is still that job's. */
  readonly release: RedisScript;
  /** How the server's memory is bounded. */
  readonly memory: RedisScript;
}

/** What no time is later than: Lua's numbers are doubles, and so is a score; twice this is still a whole one. */
const NEVER_MS = 4e15;

/** Milliseconds for which keys outlive the time at which a sweep should have removed them, so that it is the sweep that removes, tells and remembers. */
export const KEEP_MS = 3_600_000;

/** Lines that a log may hold beyond those that are read, so that it isn't trimmed at each. */
const SPARE_LINES = 20;

/**
 * Writes the scripts for some limits, which are constants in them: so no call has to send them.
 *
 * @param sharded - Whether versions are told by `SPUBLISH`, in a Cluster on the job's own node alone.
 */
export function scriptsFor(limits: StoreLimits, sharded: boolean): RedisScripts {
  const constants = `
local TTL, IDLE, LINES, SPARE, KEEP, NEVER = ${[limits.ttlMs, limits.idleTtlMs, limits.maxLogLines, SPARE_LINES, KEEP_MS, NEVER_MS].map(whole).join(", ")}
`;
  const head = HEAD + constants;
  // A function of Lua's is made anew at each run: what every write does is better written out.
  const tell = sharded ? TELL_SHARDED : "local tell = call";
  return {
    create: { source: head + tell + CREATE },
    write: { source: head + tell + WRITE },
    read: { source: head + READ },
    due: { source: HEAD + DUE },
    settle: { source: head + tell + SETTLE },
    remove: { source: HEAD + tell + REMOVE },
    claim: { source: CLAIM },
    release: { source: RELEASE },
    memory: { source: MEMORY },
  };
}

/** A bound as digits, since Lua writes large numbers otherwise. */
export function whole(bound: number): string {
  return String(Math.ceil(Math.min(bound, NEVER_MS)));
}

/**
 * A job's hash has its fields by name, each as "<version> <JSON>": the JSON is text that no script looks into, so it comes back as it was. Names that
 * begin with a dot are ours: ".key" and ".kept" (its key of create, and until when that is sure to be kept), and "." for all that each script needs:
 * one binary value, which is read and written faster than a dozen numbers. In place of it stands "gone" where a job was removed.
 *
 * In it a time of 0 is none, but a deadline that never comes is NEVER. "indexedAt" is when the job stands in the index: never later than when it is
 * due, and mostly earlier. So a renewed lease moves nothing there; the sweep finds the job early, and moves it.
 */
const HEAD = `
local call, min, max, floor = redis.call, math.min, math.max, math.floor
local META = '>dddddddddddddc24'
`;

const UNPACK = `
local version, lines, linesAt, attempt, stale, leaseUntil, leaseMs, deadlineAt, writtenAt, endedAt, updatedAt, indexedAt, expiresAt, epoch =
  struct.unpack(META, meta)
`;

const PACK = `struct.pack(META, version, lines, linesAt, attempt, stale, leaseUntil, leaseMs, deadlineAt, writtenAt, endedAt, updatedAt, indexedAt,
  expiresAt, epoch)`;

/** By the server's clock, so that leases don't depend on any process'. */
const NOW = `
local time = call('TIME')
local now = time[1] * 1000 + floor(time[2] / 1000)
`;

/** A Cluster of Redis 6 has no sharded channels; whoever subscribes falls back in the same way. */
const TELL_SHARDED = `
local function tell(command, channel, text)
  local told = redis.pcall('SPUBLISH', channel, text)
  if type(told) == 'table' and told.err then call('PUBLISH', channel, text) end
end
`;

/** The same rules as in shared/lifecycle.ts, which are the ones to change first. */
const DUE_AT = `
local due
if endedAt > 0 then
  due = endedAt + TTL
elseif leaseUntil > 0 then
  due = min(deadlineAt, stale == 1 and leaseUntil + leaseMs or leaseUntil)
else
  due = min(deadlineAt, writtenAt + IDLE)
end
`;

/**
 * Closes the steps that an end leaves `running` (P47): the rule `closedSteps` of shared/lifecycle.ts. It comes after the fields of the
 * end were set, at their version.
 *
 * A value is JSON text that must come back as it was, so a step is edited as text and never encoded again. `mask` has the length of the
 * text, with everything blanked that is not a member of the step itself: escaped characters first, so that strings end at the next
 * quote; then brackets and commas in strings; then nested objects and arrays.
 */
const CLOSE_STEPS = `
if endedAt > 0 then
  local find, sub, gsub = string.find, string.sub, string.gsub
  local function blank(text) return string.rep('_', #text) end
  local function blankSyntax(text) return (gsub(text, '[{}%[%],]', '_')) end
  local function closed(text, changes)
    local mask = gsub(gsub(text, '\\\\.', '__'), '"[^"]*"', blankSyntax)
    mask = '{' .. gsub(gsub(sub(mask, 2, -2), '%b{}', blank), '%b[]', blank) .. '}'
    local from, to = find(mask, '"status":"running"', 1, true)
    if not from then return nil end
    local before, after, maskBefore, maskAfter = sub(text, 1, from - 1), sub(text, to + 1), sub(mask, 1, from - 1), sub(mask, to + 1)
    local at, last = find(maskBefore, '"finishedAt":[^,]*,')
    if at then before = sub(before, 1, at - 1) .. sub(before, last + 1) end
    at, last = find(maskAfter, ',"finishedAt":[^,}]*')
    if at then after = sub(after, 1, at - 1) .. sub(after, last + 1) end
    return before .. changes .. after
  end
  local status = find(call('HGET', KEYS[1], 'status'), ' "completed"', 1, true) and 'completed' or 'failed'
  local changes = '"status":"' .. status .. '","finishedAt":' .. endedAt
  local all = call('HGETALL', KEYS[1])
  for at = 1, #all, 2 do
    local name, value = all[at], all[at + 1]
    if sub(name, 1, 6) == 'steps.' and find(value, '"status":"running"', 1, true) then
      local step = closed(sub(value, find(value, ' ', 1, true) + 1), changes)
      if step then call('HSET', KEYS[1], name, version .. ' ' .. step) end
    end
  end
end
`;

/** Sets fields ARGV[first..last], names and versioned values by turns. Lua can't pass any number of values at once. */
const SET = `
for at = first, last, 4000 do call('HSET', KEYS[1], unpack(ARGV, at, min(at + 3999, last))) end
`;

/**
 * What a write leaves behind so that the job is found again, and goes by itself if no sweep ever comes. To set an expiry costs as much as to set a
 * field; so it is set with room to spare, and again when half of that is used up. A job that is long overdue in the index isn't there: the index was
 * evicted, and is mended.
 */
const FOLLOW_UP = `
local stays = (endedAt > 0 and due or max(writtenAt + IDLE, leaseUntil + leaseMs + TTL)) + KEEP
local expires = endedAt > 0 or expiresAt < stays - KEEP / 2
if expires then expiresAt = stays end
local indexes = due < indexedAt or indexedAt < now - 60000
if indexes then indexedAt = due end
`;

const FOLLOW_UP_KEYS = `
if expires then call('PEXPIREAT', KEYS[1], expiresAt) end
if expires and lines > 0 then call('PEXPIREAT', KEYS[2], expiresAt) end
if indexes then call('ZADD', KEYS[3], indexedAt, string.match(ARGV[1], '[^:]*$')) end
if (indexes or expires) and call('PTTL', KEYS[3]) < expiresAt - now then call('PEXPIREAT', KEYS[3], expiresAt) end
`;

/**
 * KEYS: job, log, due. ARGV: 1 channel, 2 key, 3 epoch, 4 deadlineMs, 5 attempt, 6 "1" to leave a removed job alone, 7 stale, 8 "1" if it ends; then
 * names and values. The last two of the head make room for what is ours.
 *
 * The fields come before all else that writes: a server whose memory is full refuses a script's first write, if that needs memory, and no later one.
 */
const CREATE = `
local meta = call('HGET', KEYS[1], '.')
if meta == 'gone' then
  if ARGV[6] == '1' then return {'gone'} end
elseif meta then
  if ARGV[2] == '' or call('HGET', KEYS[1], '.key') ~= ARGV[2] then return {'taken'} end
  ${UNPACK}
  return {'known', epoch .. '.' .. version}
end
${NOW}
local version, lines, linesAt, attempt, stale, leaseUntil, leaseMs = 1, 0, 0, tonumber(ARGV[5]), tonumber(ARGV[7]), 0, 0
local deadlineAt = ARGV[4] == '' and NEVER or now + tonumber(ARGV[4])
local writtenAt, endedAt, updatedAt, epoch = now, ARGV[8] == '1' and now or 0, now, ARGV[3]
local indexedAt, expiresAt = NEVER * 2, 0
${DUE_AT}${FOLLOW_UP}
for at = 10, #ARGV, 2 do ARGV[at] = '1 ' .. ARGV[at] end
ARGV[7] = '.'
ARGV[8] = ${PACK}
tell('PUBLISH', ARGV[1], '')
local first, last = 7, #ARGV
${SET}
call('HSET', KEYS[1], 'createdAt', '1 ' .. now)
${CLOSE_STEPS}
call('DEL', KEYS[2])
if ARGV[2] ~= '' then call('HSET', KEYS[1], '.key', ARGV[2], '.kept', now + IDLE + TTL) end
${FOLLOW_UP_KEYS}
return {'created', epoch .. '.1'}
`;

/**
 * KEYS: job, log, due. ARGV: 1 channel, 2 leaseMs, 3 attempt, 4 what is rare, as "<attempt that begins> <stale> <ends>" with "-" for none, 5 how many texts
 * of fields; then names and values, then lines. What is absent is "".
 *
 * The version is told first: the server sends it when the script is over, and were that refused, nothing would have been written.
 */
const WRITE = `
local meta = call('HGET', KEYS[1], '.')
if not meta then return {'unknown'} end
if meta == 'gone' then return {'gone'} end
${UNPACK}
if endedAt > 0 then return {'ended', call('HGET', KEYS[1], 'status')} end
local lease, own, begins, marks, ends = tonumber(ARGV[2]), tonumber(ARGV[3]), nil, nil, nil
if ARGV[4] ~= '' then
  begins, marks, ends = string.match(ARGV[4], '(%S+) (%S+) (%S+)')
  begins = tonumber(begins)
end
if begins then
  if begins <= attempt then return {'superseded', begins, attempt} end
  attempt = begins
elseif own and own < attempt then
  return {'superseded', own, attempt}
end
${NOW}
local first, last = 4, 5 + ARGV[5]
local revives = lease and stale == 1
if lease then
  leaseMs = lease
  leaseUntil = lease > 0 and now + lease or 0
end
if revives then stale = 0 elseif marks then stale = tonumber(marks) or stale end
if ends == '1' then
  endedAt = now
  leaseUntil = 0
end
writtenAt = now
local visible = revives or #ARGV > 5
if visible then
  version = version + 1
  updatedAt = now
end
local text = version .. ''
if visible then tell('PUBLISH', ARGV[1], text) end
local mark = text .. ' '
for at = 7, last, 2 do ARGV[at] = mark .. ARGV[at] end
local fresh = false
if #ARGV > last then
  for at = last + 1, #ARGV do ARGV[at] = mark .. ARGV[at] end
  local length = 0
  for at = last + 1, #ARGV, 4000 do length = call('RPUSH', KEYS[2], unpack(ARGV, at, min(at + 3999, #ARGV))) end
  fresh = length == #ARGV - last
  if length >= LINES + SPARE then call('LTRIM', KEYS[2], -LINES, -1) end
  lines, linesAt = lines + #ARGV - last, version
end
${DUE_AT}${FOLLOW_UP}
ARGV[4] = '.'
ARGV[5] = ${PACK}
${SET}
if revives then call('HSET', KEYS[1], 'stale', mark .. 'false') end
${CLOSE_STEPS}
if fresh and not expires then call('PEXPIREAT', KEYS[2], expiresAt) end
${FOLLOW_UP_KEYS}
return epoch .. '.' .. text
`;

/**
 * KEYS: job, log. ARGV: 1 epoch, 2 version. Who is at the head is told so without a look at the fields; "updatedAt" is that of the last version, and so
 * isn't kept as a field.
 */
const READ = `
local find, sub = string.find, string.sub
local function versionOf(text) return tonumber(sub(text, 1, find(text, ' ', 1, true) - 1)) end
local function newest(from)
  local take, lines = 4, {}
  repeat
    take = min(take * 4, LINES)
    lines = call('LRANGE', KEYS[2], -take, -1)
  until #lines < take or take == LINES or versionOf(lines[1]) <= from
  while #lines > 0 and versionOf(lines[1]) <= from do table.remove(lines, 1) end
  return lines
end
local meta = call('HGET', KEYS[1], '.')
if not meta then return {'unknown'} end
if meta == 'gone' then return {'gone'} end
${UNPACK}
local cursor = epoch .. '.' .. version
local from = epoch == ARGV[1] and tonumber(ARGV[2]) or -1
if from == version then return endedAt > 0 and {'done', cursor} or cursor end
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
if from < 0 and lines > 0 then
  log = call('LRANGE', KEYS[2], -LINES, -1)
elseif linesAt > from then
  log = newest(from)
end
return {'delta', cursor, from < 0 and 1 or 0, updatedAt, set, lines, log, endedAt > 0 and 1 or 0}
`;

/** KEYS: due. ARGV: 1 now, "" for the server's time, 2 how many at most. */
const DUE = `
local now = ARGV[1]
if now == '' then
  local time = call('TIME')
  now = time[1] * 1000 + floor(time[2] / 1000)
end
return call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
`;

/** Replaces a job by its tombstone. ARGV: 1 channel, 3 milliseconds for which it is remembered. */
const LEAVE_TOMBSTONE = `
tell('PUBLISH', ARGV[1], '')
call('DEL', KEYS[1], KEYS[2])
call('HSET', KEYS[1], '.', 'gone')
call('PEXPIRE', KEYS[1], ARGV[3])
`;

/**
 * KEYS: job, log, due. ARGV: 1 channel, 2 job id, 3 milliseconds for which it is remembered. Replies whether there was a job, and with its
 * key of create, for the caller to release. Like SETTLE it begins by writing what needs no memory.
 */
const REMOVE = `
call('ZREM', KEYS[3], ARGV[2])
local meta = call('HGET', KEYS[1], '.')
if not meta or meta == 'gone' then return {0, ''} end
local key = call('HGET', KEYS[1], '.key') or ''
${LEAVE_TOMBSTONE}
return {1, key}
`;

/**
 * KEYS: job, log, due. ARGV: 1 channel, 2 now or "", 3 how long a removed job is remembered, 4 to 6 how many texts there are of fields for "stale",
 * "lost" and "timed-out"; then these. Whoever comes second finds that nothing is due any more. Replies with the fate, and a key of create to release
 * (it expired) or to keep for so many milliseconds.
 *
 * It begins by writing what needs no memory: so a server that is full lets the rest through too, and jobs still end and are removed.
 */
const SETTLE = `
local id = string.match(ARGV[1], '[^:]*$')
local meta = call('HGET', KEYS[1], '.')
call('ZREM', KEYS[3], id)
if not meta or meta == 'gone' then return {'none', '', 0} end
${UNPACK}${NOW}
local at = tonumber(ARGV[2]) or now
local fate = 'none'
if endedAt > 0 then
  if endedAt + TTL <= at then fate = 'expired' end
elseif deadlineAt <= at then
  fate = 'timed-out'
elseif leaseUntil == 0 then
  if writtenAt + IDLE <= at then fate = 'expired' end
elseif leaseUntil + leaseMs <= at then
  fate = 'lost'
elseif stale == 0 and leaseUntil <= at then
  fate = 'stale'
end
local key = call('HGET', KEYS[1], '.key') or ''
if fate == 'expired' then
  ${LEAVE_TOMBSTONE}
  return {fate, key, 0}
end
if fate ~= 'none' then
  local from, count = 7, tonumber(ARGV[4])
  if fate ~= 'stale' then from, count = from + count, tonumber(ARGV[5]) end
  if fate == 'timed-out' then from, count = from + count, tonumber(ARGV[6]) end
  version = version + 1
  updatedAt, writtenAt = at, at
  if fate == 'stale' then stale = 1 else stale, endedAt, leaseUntil = 0, at, 0 end
  tell('PUBLISH', ARGV[1], version)
  for name = from, from + count - 1, 2 do
    local value = ARGV[name] == 'finishedAt' and at or ARGV[name + 1]
    call('HSET', KEYS[1], ARGV[name], version .. ' ' .. value)
  end
  ${CLOSE_STEPS}
end
${DUE_AT}
indexedAt = due
call('ZADD', KEYS[3], due, id)
if endedAt > 0 then
  expiresAt = due + KEEP
  call('PEXPIREAT', KEYS[1], expiresAt)
  call('PEXPIREAT', KEYS[2], expiresAt)
end
if call('PTTL', KEYS[3]) < expiresAt - now then call('PEXPIREAT', KEYS[3], expiresAt) end
call('HSET', KEYS[1], '.', ${PACK})
local keepMs = 0
if key ~= '' and due + TTL > tonumber(call('HGET', KEYS[1], '.kept')) then
  local kept = due + TTL + IDLE
  call('HSET', KEYS[1], '.kept', kept)
  keepMs = kept - now + KEEP
end
return {fate, keepMs > 0 and key or '', keepMs}
`;

/** KEYS: pointer. ARGV: 1 id, 2 the id that may be replaced, 3 milliseconds. Replies with the id that has it now. */
const CLAIM = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[2] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return ARGV[1]
`;

const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/** By INFO, which a script may ask, and which managed servers answer where they refuse CONFIG. KEYS: any, to name a node. */
const MEMORY = `return redis.call('INFO', 'memory')`;
