#!lua flags=no-writes
-- Counts the workers whose sessions have not ended.
-- Atomic because it is one look at the clock and one at the sessions.
-- KEYS[1] workers: zset, worker id by end of session
-- Returns {workers}
-- Keeps: nothing is written.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return {redis.call('ZCOUNT', KEYS[1], now, '+inf')}
