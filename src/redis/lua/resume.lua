#!lua
-- Lets a paused run go on, and a failed or quarantined one try again from its last snapshot.
-- Atomic because a run that may be claimed must be due, or its wake-up could be lost.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] due: zset
-- KEYS[5] inbox: stream
-- KEYS[6] seen: set of message ids
-- ARGV[1] id: run id
-- ARGV[2] data: payload bytes, who asks and why
-- ARGV[3] base: prefix of the shard's keys
-- ARGV[4] blobs: lines, addresses that this write refers to
-- Returns {'resumed', what parts/describe tells …} | {'notResumable', status} | {'missing'}
--   | {'swept'}: a blob is garbage by now
-- Keeps: the log of a run at work is written by its owner only; a cancel of before does not end what a person lets go on.
local run, payload, events, due, inbox, seen = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, data, base = ARGV[1], ARGV[2], ARGV[3]

-- include parts/describe.lua
-- include parts/blobs.lua

local m = redis.call('HMGET', run, 'fence', 'status', 'paused', 'seq', 'wakeAt', 'bytes', 'woken', 'createdAt', 'pollMs',
  'cancelEntry', 'cancelId', 'waitsIn', 'deadlineAt')
local fence, status, paused = m[1], m[2], m[3]
if not status then return {'missing'} end
local again = status == 'failed' or status == 'quarantined'
if not paused and not again then return {'notResumable', status} end
if status == 'running' then
  redis.call('HDEL', run, 'paused')
  return {'notResumable', status}
end

if not takeBlobs(base, id, ARGV[4]) then return {'swept'} end
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local at = string.format('%.0f', now)
fence = string.format('%.0f', math.max(fence + 1, micros))
local seq = string.format('%.0f', m[4] + 1)
local kind = again and 'operator.retried' or 'operator.resumed'
redis.call('XADD', events, seq .. '-' .. fence, 'type', kind, 'at', at, 'data', data)
redis.call('HSET', run, 'fence', fence, 'seq', seq, 'bytes', m[6] + #data)
redis.call('HDEL', run, 'paused')
-- Whoever lets a run go on whose time is over does not mean it to fail at once.
if m[13] and tonumber(m[13]) <= now then redis.call('HDEL', run, 'deadlineAt') end
if again then
  redis.call('ZREM', base .. 'by-status:' .. status, id)
  redis.call('ZADD', base .. 'by-status:queued', m[8], id)
  redis.call('HSET', run, 'status', 'queued', 'changedAt', at)
  redis.call('HDEL', run, 'losses', 'proofs', 'furthest', 'lostWorker', 'lostReason', 'lostAt', 'detectMs', 'claimMs',
    'runAttempts')
  redis.call('HDEL', payload, 'error')
  redis.call('HDEL', run, 'notifyPending', 'cancelPending', 'expiresAt', 'cancelEntry', 'cancelId')
  -- Forgotten altogether, so that the same cancel may be asked for again.
  local cancel = m[10] and redis.call('XRANGE', inbox, m[10], m[10])[1]
  if cancel then
    redis.call('XDEL', inbox, m[10])
    redis.call('SREM', seen, cancel[2][2])
  end
  if m[11] then redis.call('SREM', seen, m[11]) end
  status = 'queued'
end
local dueAt = now
if status == 'waiting' and not m[7] then
  dueAt = math.min(tonumber(m[5] or math.huge), m[9] and now + m[9] or math.huge)
  -- A run that an older pawl has parked wants every message.
  if not m[12] and redis.call('XLEN', inbox) > 0 then dueAt = now end
end
if dueAt < math.huge then redis.call('ZADD', due, string.format('%.0f', dueAt), id) end
redis.call('SPUBLISH', base .. 'changed:' .. id, seq)
return {'resumed', unpack(describe(base, id, now))}
