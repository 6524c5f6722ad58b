#!lua flags=allow-oom
-- Notes that an ended run owes one thing less: its parent knows of its end, or its children were cancelled. When nothing is
--   owed any more the run is only kept.
-- Atomic because a run that owes nothing but has no time to go would be kept for ever.
-- KEYS[1] run: hash
-- KEYS[2] due: zset
-- ARGV[1] id: run id
-- ARGV[2] fence: of the end that this is about
-- ARGV[3] what: notifyPending or cancelPending
-- ARGV[4] hook: 1 when the hook for the end has begun as well, or empty
-- Returns {'settled' | 'missing'}
-- Keeps: a run that owes something is due; one with a hook for its end owes it until that has begun; what one that was
--   resumed owes by now is not settled by what was owed before.
local run, due, id = KEYS[1], KEYS[2], ARGV[1]

local m = redis.call('HMGET', run, 'fence', 'expiresAt', 'onEnd')
if m[3] and ARGV[3] == 'notifyPending' and ARGV[4] == '' then return {'missing'} end
if m[1] ~= ARGV[2] or redis.call('HDEL', run, ARGV[3]) == 0 then return {'missing'} end
if redis.call('HEXISTS', run, 'notifyPending') + redis.call('HEXISTS', run, 'cancelPending') == 0 then
  redis.call('ZADD', due, m[2], id)
end
return {'settled'}
