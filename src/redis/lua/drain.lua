#!lua flags=allow-oom
-- Notes that a worker is to leave.
-- Atomic because a note about a worker that has just left would stay for ever.
-- KEYS[1] worker: hash
-- Returns {'draining'} | {'missing'}
-- Keeps: only a registered worker has a hash.
local worker = KEYS[1]

if redis.call('EXISTS', worker) == 0 then return {'missing'} end
redis.call('HSET', worker, 'draining', '1')
return {'draining'}
