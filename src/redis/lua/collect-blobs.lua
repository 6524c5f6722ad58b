#!lua flags=allow-oom
-- Makes garbage of blobs that were noted long ago and taken by no write, and tells what is garbage for long enough to go.
-- Atomic because a write that takes a blob meanwhile must find it either pending or garbage.
-- KEYS[1] pending: zset of addresses with their runs, by the time of the note
-- KEYS[2] garbage: zset of addresses with their runs, by the time since which they are
-- ARGV[1] pendingFor: milliseconds after which what is pending is garbage
-- ARGV[2] garbageFor: milliseconds after which garbage goes
-- ARGV[3] limit: so many of each
-- Returns addresses with their runs
-- Keeps: what is garbage is never taken again.
local pending, garbage = KEYS[1], KEYS[2]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local noted = string.format('%.0f', now - ARGV[1])
for _, member in ipairs(redis.call('ZRANGEBYSCORE', pending, '-inf', noted, 'LIMIT', 0, ARGV[3])) do
  redis.call('ZREM', pending, member)
  redis.call('ZADD', garbage, at, member)
end
local old = string.format('%.0f', now - ARGV[2])
local gone = redis.call('ZRANGEBYSCORE', garbage, '-inf', old, 'LIMIT', 0, ARGV[3])
-- Whoever else collects now is told others; these come again when nobody has said that they are gone.
for _, member in ipairs(gone) do redis.call('ZADD', garbage, at, member) end
return gone
