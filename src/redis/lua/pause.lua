#!lua
-- Keeps a run from being claimed until it is resumed. A run at work is handed back at its next commit.
-- Atomic because a claim must see the run paused or not, and nothing in between.
-- KEYS[1] run: hash
-- KEYS[2] events: stream
-- KEYS[3] due: zset
-- ARGV[1] id: run id
-- ARGV[2] data: payload bytes, who asks and why
-- ARGV[3] base: prefix of the shard's keys
-- Returns {'paused', status} | {'paused', status, workflow, key, birth} | {'ended', status} | {'missing'}
-- Keeps: the log of a run at work is written by its owner only.
local run, events, due = KEYS[1], KEYS[2], KEYS[3]
local id, data, base = ARGV[1], ARGV[2], ARGV[3]

local m = redis.call('HMGET', run, 'status', 'fence', 'seq', 'paused', 'worker', 'bytes', 'workflow', 'key',
  'createToken')
local status, fence = m[1], m[2]
-- One at work has its turn until it is handed back.
local keyed = m[8] and status ~= 'running' and {m[7], m[8], m[9]} or {}
if not status then return {'missing'} end
if status == 'completed' or status == 'failed' or status == 'cancelled' then return {'ended', status} end
if m[4] then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'paused', m[4])
  return {'paused', status, unpack(keyed)}
end

-- The owner of a run at work logs it, when it lets go of the run.
redis.call('HSET', run, 'paused', data)
if status == 'running' then
  redis.call('SPUBLISH', base .. 'nudges:' .. m[5], id)
  return {'paused', status}
end
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local at = string.format('%.0f', math.floor(micros / 1000))
fence = string.format('%.0f', math.max(fence + 1, micros))
local seq = string.format('%.0f', m[3] + 1)
redis.call('XADD', events, seq .. '-' .. fence, 'type', 'operator.paused', 'at', at, 'data', data)
redis.call('HSET', run, 'fence', fence, 'seq', seq, 'bytes', m[6] + #data)
redis.call('HDEL', run, 'turn')
redis.call('ZREM', due, id)
redis.call('SPUBLISH', base .. 'changed:' .. id, seq)
return {'paused', status, unpack(keyed)}
