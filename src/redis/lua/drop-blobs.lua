#!lua flags=allow-oom
-- Makes garbage of blobs that a run does not refer to any more, or never will.
-- Atomic because a blob that is in no list is never removed.
-- KEYS[1] own: set of addresses that the run has taken
-- KEYS[2] pending: zset of addresses with their runs
-- KEYS[3] garbage: zset of addresses with their runs, by the time since which they are
-- ARGV[1] id: run id
-- ARGV[2] address: of each, from here
-- Returns {'dropped'}
-- Keeps: what is neither the run's nor pending is left as it is.
local own, pending, garbage, id = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
for i = 2, #ARGV do
  local member = ARGV[i] .. ' ' .. id
  local known = redis.call('SREM', own, ARGV[i]) + redis.call('ZREM', pending, member)
  if known > 0 then redis.call('ZADD', garbage, at, member) end
end
return {'dropped'}
