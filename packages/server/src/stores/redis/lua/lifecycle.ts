/*
 * The rules of shared/lifecycle.ts in Lua. Each part names the function that it mirrors: change that function first,
 * then this part. The parts read and set the local variables of the record.
 */

/**
 * Mirrors `checkWrite`: returns the reply of a write that is repeated or refused. Before it, nil or false for none:
 * `token` and `count` of the writer's hold; `nextAttempt`, the attempt that begins; `setsProgress`; `opens`, which is
 * "1" for a takeover and "0" for another opening, with `seenEpoch` and `seenVersion`.
 */
export const CHECK_WRITE = `
local isHeld = heldSince > 0
local isHolder = isHeld and count and token == heldBy
if isHolder and count <= heldCount then return epoch .. '.' .. version .. ' ' .. now end
if endedAt > 0 then return {'ended', call('HGET', KEYS[1], 'status')} end
if nextAttempt and nextAttempt <= attempt then return {'superseded', nextAttempt, attempt} end
local isLeased = leaseUntil > now
if not count then
  if isLeased and setsProgress then return {'held'} end
elseif not opens then
  if not isHolder then return {'lost'} end
elseif seenEpoch ~= epoch then
  return {'held'}
elseif isHeld then
  if heldSince > seenVersion then return {'held'} end
  if isLeased and opens == '0' and not nextAttempt then return {'held'} end
end
`;

/** Mirrors `holdAfter`. It stands after the version was raised. Before it: as for CHECK_WRITE. */
export const SET_HOLD = `
if count then heldBy, heldCount = token, count end
if opens then heldSince = version end
`;

/** Mirrors `leaseOf`. Before it: `lease`, the milliseconds of a renewal, or nil. */
export const SET_LEASE = `
if lease then
  leaseMs = lease
  leaseUntil = lease > 0 and now + lease or 0
end
`;

/** Mirrors `dueAt`: sets `due`. */
export const DUE_AT = `
local due
if endedAt > 0 then
  due = endedAt + TTL
elseif leaseUntil > 0 then
  due = min(deadlineAt, stale == 1 and leaseUntil + leaseMs or leaseUntil)
else
  due = min(deadlineAt, writtenAt + IDLE)
end
`;

/** Mirrors `transitionOf`: sets `transition` for the time `at`, to 'none' if nothing is due. */
export const TRANSITION_OF = `
local transition = 'none'
if endedAt > 0 then
  if endedAt + TTL <= at then transition = 'expired' end
elseif deadlineAt <= at then
  transition = 'timed-out'
elseif leaseUntil == 0 then
  if writtenAt + IDLE <= at then transition = 'expired' end
elseif stale == 1 then
  if leaseUntil + leaseMs <= at then transition = 'lost' end
elseif leaseUntil <= at then
  transition = 'stale'
end
`;

/** Mirrors `timesOfTransition`. Before it: `transition`, and `at`, its time. */
export const SET_TRANSITION = `
if transition == 'stale' then stale, leaseUntil = 1, at else stale, leaseUntil, endedAt = 0, 0, at end
`;

/**
 * Sets `finishedAt`, and mirrors `closedSteps`: closes the steps that an end leaves `running`, at the version of the
 * end (P47). It stands after the fields of the end were set. A script that ends no job runs one comparison of it.
 *
 * The other values of a step must stay as they were written, so its JSON is edited as text and not encoded again.
 * `mask` is as long as the text, and in it everything is blanked that is not a member of the step itself: first
 * escaped characters, so that a string ends at the next quote; then brackets and commas in strings; then nested
 * objects and arrays.
 */
export const END_JOB = `
if endedAt > 0 then
  call('HSET', KEYS[1], 'finishedAt', version .. ' ' .. endedAt)
  local find, sub, gsub = string.find, string.sub, string.gsub
  local function blank(text) return string.rep('_', #text) end
  local function blankSyntax(text) return (gsub(text, '[{}%[%],]', '_')) end
  local function maskOf(step)
    local flat = gsub(gsub(step, '\\\\.', '__'), '"[^"]*"', blankSyntax)
    return '{' .. gsub(gsub(sub(flat, 2, -2), '%b{}', blank), '%b[]', blank) .. '}'
  end
  local function without(text, mask, member)
    local from, to = find(mask, member)
    return from and sub(text, 1, from - 1) .. sub(text, to + 1) or text
  end
  local function closed(step, members)
    local mask = maskOf(step)
    local from, to = find(mask, '"status":"running"', 1, true)
    if not from then return nil end
    local before = without(sub(step, 1, from - 1), sub(mask, 1, from - 1), '"finishedAt":[^,]*,')
    return before .. members .. without(sub(step, to + 1), sub(mask, to + 1), ',"finishedAt":[^,}]*')
  end
  local isCompleted = find(call('HGET', KEYS[1], 'status'), ' "completed"', 1, true)
  local members = '"status":"' .. (isCompleted and 'completed' or 'failed') .. '","finishedAt":' .. endedAt
  local all = call('HGETALL', KEYS[1])
  for at = 1, #all, 2 do
    local name, value = all[at], all[at + 1]
    if sub(name, 1, 6) == 'steps.' and find(value, '"status":"running"', 1, true) then
      local step = closed(sub(value, find(value, ' ', 1, true) + 1), members)
      if step then call('HSET', KEYS[1], name, version .. ' ' .. step) end
    end
  end
end
`;
