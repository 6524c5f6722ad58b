#!lua flags=allow-oom
-- Notes that the parent of an ended run knows of its end; from now on the run is only kept.
-- Atomic because a run that owes nothing but has no time to go would be kept for ever.
-- KEYS[1] run: hash
-- KEYS[2] due: zset
-- ARGV[1] id: run id
-- Returns {'told' | 'missing'}
-- Keeps: a run whose parent was not told is due.
local run, due, id = KEYS[1], KEYS[2], ARGV[1]

local expiresAt = redis.call('HGET', run, 'expiresAt')
if redis.call('HDEL', run, 'untold') == 0 then return {'missing'} end
redis.call('ZADD', due, expiresAt, id)
return {'told'}
