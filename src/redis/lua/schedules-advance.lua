#!lua flags=allow-oom
-- Notes how far a schedule is, and when it is looked at next.
-- Atomic because a decision about what was read must not change what has become of it since.
-- KEYS[1] schedule: hash
-- KEYS[2] schedules: zset, ids by the time of the next look
-- ARGV[1] id: schedule id
-- ARGV[2] version: as it was read
-- ARGV[3] next: milliseconds since 1970, the first time that nothing has been decided about
-- ARGV[4] pollMs: milliseconds until the next look, or empty: at that time
-- ARGV[5] name of the first field; names and values of the standing alternate from here
-- Returns {'advanced', version} | {'changed'}
-- Keeps: of two who look at one schedule, one advances it.
local schedule, schedules = KEYS[1], KEYS[2]
local id, version, next, look = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('HGET', schedule, 'version') ~= version then return {'changed'} end
local time = redis.call('TIME')
local raised = string.format('%.0f', math.max(version + 1, time[1] * 1000000 + time[2]))
redis.call('HSET', schedule, 'version', raised, 'nextAt', next, unpack(ARGV, 5))
local at = look == '' and next or string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + look)
redis.call('ZADD', schedules, at, id)
return {'advanced', raised}
