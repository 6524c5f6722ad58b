#!lua flags=allow-oom
-- Names the threads of LangGraph whose time is over, and at which no question stands open.
-- Atomic because a thread that a new checkpoint has just renewed must not be named.
-- KEYS[1] expiry: zset
-- ARGV[1] base: prefix of the shard's keys
-- ARGV[2] limit: threads at most
-- ARGV[3] later: milliseconds until a thread with an open question is looked at again
-- Returns {id, seq} of each
-- Keeps: a thread that is due and not named is due again later, so that it does not stand before all others.
local base = ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', string.format('%.0f', now), 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  if redis.call('SCARD', base .. 'thread-interrupted:' .. id) == 0 then
    local m = redis.call('HGET', base .. 'run:' .. id, 'seq')
    found[#found + 1] = {id, m or '0'}
  else
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[3]), id)
  end
end
return found
