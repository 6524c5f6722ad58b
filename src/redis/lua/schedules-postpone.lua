#!lua flags=allow-oom
-- Puts off the next look at a schedule that is due.
-- Atomic because a schedule that was saved meanwhile may be due sooner.
-- KEYS[1] schedules: zset, ids by the time of the next look
-- ARGV[1] id: schedule id
-- ARGV[2] pollMs: milliseconds until the next look
-- Returns {'postponed' | 'notDue'}
-- Keeps: only what is due is put off.
local schedules, id, look = KEYS[1], ARGV[1], ARGV[2]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = redis.call('ZSCORE', schedules, id)
if not at or tonumber(at) > now then return {'notDue'} end
redis.call('ZADD', schedules, string.format('%.0f', now + look), id)
return {'postponed'}
