/*
 * A kind of job is a hash: for each step "<count> <mean> <variance> <time>", with the time in seconds at which it was
 * last learned.
 */

/**
 * Adds one duration per step; mirrors `learned` of shared/expectations.ts. KEYS: kind. ARGV: 1 milliseconds for which
 * it is kept, 2 the most steps, 3 the least learning rate; then step ids and the logarithms of milliseconds by turns.
 *
 * "%.17g" prints a double so that it is read back exactly.
 */
export const LEARN: string = `
local now = call('TIME')[1]
local function learned(known, value)
  if not known then return 1, value, 0 end
  local count, mean, variance = string.match(known, '(%S+) (%S+) (%S+)')
  count = count + 1
  local rate = max(1 / count, ARGV[3])
  local difference = value - mean
  return count, mean + rate * difference, (1 - rate) * (variance + rate * difference * difference)
end
for at = 4, #ARGV, 2 do
  local count, mean, variance = learned(call('HGET', KEYS[1], ARGV[at]), tonumber(ARGV[at + 1]))
  local text = string.format('%.0f %.17g %.17g ', count, mean, variance)
  call('HSET', KEYS[1], ARGV[at], text .. now)
end
call('PEXPIRE', KEYS[1], ARGV[1])
local excess = call('HLEN', KEYS[1]) - ARGV[2]
if excess > 0 then
  local all, steps = call('HGETALL', KEYS[1]), {}
  for at = 1, #all, 2 do
    steps[#steps + 1] = {all[at], tonumber(string.match(all[at + 1], '%d+$'))}
  end
  table.sort(steps, function(one, other) return one[2] < other[2] end)
  for at = 1, excess do call('HDEL', KEYS[1], steps[at][1]) end
end
`;

/** The steps of a kind: step ids and values by turns. KEYS: kind. */
export const READ_LEARNED: string = "return redis.call('HGETALL', KEYS[1])";
