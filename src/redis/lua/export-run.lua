#!lua flags=no-writes
-- Reads all that is stored of a run beside its events and checkpoints, however many messages wait.
-- Atomic because a message that is taken into the log between two reads would be in neither of them.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] snapshot: hash
-- KEYS[4] inbox: stream
-- KEYS[5] seen: set of message ids
-- Returns {'found', run fields, payload fields, snapshot fields, messages, seen} | {'missing'}
-- Keeps: nothing is written.
local run = KEYS[1]
if redis.call('EXISTS', run) == 0 then return {'missing'} end
return {'found', redis.call('HGETALL', run), redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3]),
  redis.call('XRANGE', KEYS[4], '-', '+'), redis.call('SMEMBERS', KEYS[5])}
