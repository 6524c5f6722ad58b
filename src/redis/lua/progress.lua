#!lua
-- Notes how far a run is. Not an event: only the newest is kept.
-- Atomic because a stale owner's word must not be taken for the truth.
-- KEYS[1] run: hash
-- ARGV[1] fence: the caller's
-- ARGV[2] owner: token of the caller's claim
-- ARGV[3] fraction: 0 to 1
-- ARGV[4] message: text
-- ARGV[5] channel: on which changes of the run are announced
-- Returns {'noted' | 'fenced'}
-- Keeps: only the owner is listened to.
local run, fence, owner, fraction, message = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local m = redis.call('HMGET', run, 'fence', 'owner', 'seq')
if m[1] ~= fence or m[2] ~= owner then return {'fenced'} end
redis.call('HSET', run, 'progress', fraction, 'progressMessage', message)
redis.call('SPUBLISH', ARGV[5], m[3])
return {'noted'}
