#!lua flags=allow-oom
-- Removes a schedule.
-- Atomic because an id that stays in an index would be looked at for ever.
-- KEYS[1] schedule: hash
-- KEYS[2] schedules: zset, ids by the time of the next look
-- KEYS[3] own: set, ids of the workflow's schedules
-- ARGV[1] id: schedule id
-- ARGV[2] workflow: whose schedule it must be
-- Returns {'removed' | 'missing'}
-- Keeps: a schedule of another workflow is left alone.
local schedule, schedules, own = KEYS[1], KEYS[2], KEYS[3]
local id, workflow = ARGV[1], ARGV[2]

if redis.call('HGET', schedule, 'workflow') ~= workflow then return {'missing'} end
redis.call('UNLINK', schedule)
redis.call('ZREM', schedules, id)
redis.call('SREM', own, id)
return {'removed'}
