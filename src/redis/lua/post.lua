#!lua
-- Puts a message for a run into its inbox, whether or not anybody waits for it, and sees to it that it is read.
-- Atomic because a message that is stored while the run parks must not be slept over.
-- KEYS[1] run: hash
-- KEYS[2] inbox: stream
-- KEYS[3] seen: set of message ids
-- KEYS[4] due: zset
-- ARGV[1] id: run id
-- ARGV[2] message: its id; the same one again changes nothing
-- ARGV[3] kind: of message
-- ARGV[4] name: of the signal, or empty
-- ARGV[5] data: payload bytes
-- ARGV[6] base: prefix of the shard's keys
-- Returns {'posted' | 'known', workflow, fence, status, deaths, priority, untold} | {'ended', status} | {'missing'}
-- Keeps: messages are read in the order in which they came; a run with messages is running, or due.
local run, inbox, seen, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, message, kind, name, data, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local m = redis.call('HMGET', run, 'workflow', 'fence', 'status', 'deaths', 'worker', 'paused', 'priority',
  'untold')
local status = m[3]
if not status then return {'missing'} end
if redis.call('SISMEMBER', seen, message) == 1 then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'status', status)
  return {'known', m[1], m[2], status, m[4] or '0', m[7] or '0', m[8] or '0'}
end
if status == 'completed' or status == 'failed' or status == 'cancelled' then return {'ended', status} end

local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SADD', seen, message)
redis.call('XADD', inbox, '*', 'id', message, 'kind', kind, 'name', name, 'at', at, 'data', data)
redis.call('HINCRBY', run, 'inbox', 1)
if status == 'running' then
  redis.call('SPUBLISH', base .. 'asked:' .. m[5], id)
elseif not m[6] and status ~= 'quarantined' then
  redis.call('ZADD', due, at, id)
end
return {'posted', m[1], m[2], status, m[4] or '0', m[7] or '0', '0'}
