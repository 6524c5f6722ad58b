#!lua flags=allow-oom
-- Holds a schedule back, or lets it go on.
-- Atomic because whoever has read it before must not advance it after.
-- KEYS[1] schedule: hash
-- KEYS[2] schedules: zset, ids by the time of the next look
-- ARGV[1] id: schedule id
-- ARGV[2] workflow: whose schedule it must be
-- ARGV[3] next: milliseconds since 1970, the first time after a pause, or empty: to hold it back
-- Returns {'done' | 'unchanged' | 'missing'}
-- Keeps: one that is paused is never due, and stands in every list all the same.
local schedule, schedules = KEYS[1], KEYS[2]
local id, workflow, next = ARGV[1], ARGV[2], ARGV[3]

local known = redis.call('HMGET', schedule, 'workflow', 'paused', 'version')
if known[1] ~= workflow then return {'missing'} end
if (known[2] == '1') == (next == '') then return {'unchanged'} end
local time = redis.call('TIME')
local version = string.format('%.0f', math.max(known[3] + 1, time[1] * 1000000 + time[2]))
if next == '' then
  redis.call('HSET', schedule, 'version', version, 'paused', '1')
  redis.call('ZADD', schedules, '+inf', id)
else
  redis.call('HSET', schedule, 'version', version, 'paused', '', 'nextAt', next)
  -- Times that wait for the run before are looked at now.
  redis.call('ZADD', schedules, string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), id)
end
return {'done'}
