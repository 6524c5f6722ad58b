#!lua
-- Lets a paused run go on, and a failed or quarantined one try again from its last snapshot.
-- Atomic because a run that may be claimed must be due, or its wake-up could be lost.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] due: zset
-- ARGV[1] id: run id
-- ARGV[2] data: payload bytes, who asks and why
-- ARGV[3] base: prefix of the shard's keys
-- Returns {'resumed', workflow, fence, status, deaths, priority} | {'idle', status} | {'missing'}
-- Keeps: the log of a run at work is written by its owner only.
local run, payload, events, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, data, base = ARGV[1], ARGV[2], ARGV[3]

local m = redis.call('HMGET', run, 'workflow', 'fence', 'status', 'paused', 'seq', 'wakeAt', 'bytes', 'inbox',
  'priority', 'deaths', 'createdAt')
local fence, status, paused = m[2], m[3], m[4]
if not status then return {'missing'} end
local again = status == 'failed' or status == 'quarantined'
if not paused and not again then return {'idle', status} end
redis.call('HDEL', run, 'paused')
if status == 'running' then return {'idle', status} end

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local at = string.format('%.0f', math.floor(micros / 1000))
fence = string.format('%.0f', math.max(fence + 1, micros))
local seq = string.format('%.0f', m[5] + 1)
local kind = again and 'operator.retried' or 'operator.resumed'
redis.call('XADD', events, seq .. '-' .. fence, 'type', kind, 'at', at, 'data', data)
redis.call('HSET', run, 'fence', fence, 'seq', seq, 'bytes', m[7] + #data)
if again then
  redis.call('ZREM', base .. 'by-status:' .. status, id)
  redis.call('ZADD', base .. 'by-status:queued', m[11], id)
  redis.call('HSET', run, 'status', 'queued', 'changedAt', at)
  redis.call('HDEL', run, 'deaths', 'lostWorker', 'lostReason', 'lostAt', 'detectMs', 'claimMs', 'runAttempts')
  redis.call('HDEL', payload, 'error')
  redis.call('HDEL', run, 'untold')
  status = 'queued'
end
local isWaiting = status == 'waiting' and tonumber(m[8] or '0') == 0
if not isWaiting then
  redis.call('ZADD', due, at, id)
elseif m[6] then
  redis.call('ZADD', due, m[6], id)
end
redis.call('SPUBLISH', base .. 'changed:' .. id, seq)
return {'resumed', m[1], fence, status, not again and m[10] or '0', m[9] or '0'}
