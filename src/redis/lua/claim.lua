#!lua
-- Takes a run for a worker: raises its fence and returns all that is needed to go on, in one round trip.
-- Atomic because between the raised fence and the new owner nobody may write, and nobody else may claim.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] snapshot: hash
-- KEYS[5] due: zset
-- KEYS[6] held: set of the worker's runs
-- KEYS[7] inbox: stream
-- ARGV[1] id: run id
-- ARGV[2] worker: worker id
-- ARGV[3] token: random text of this call, from now on the owner's
-- ARGV[4] codeVersion: version of the workflow's code
-- ARGV[5] expectedFence: the fence the wake-up was sent at, or empty
-- ARGV[6] page: events returned at most
-- ARGV[7] base: prefix of the shard's keys
-- ARGV[8] loose: 1 to take a loose run from whoever has it, or empty
-- Returns {'claimed', run fields, payload fields, snapshot fields, events, messages} | {'held', worker}
--   | {'stale', fence} | {'idle', status} | {'missing'}
-- Keeps: fences of a run only grow, also over a failover that lost the last one; a run has one owner.
local run, payload, events, snapshot = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local due, held, inbox = KEYS[5], KEYS[6], KEYS[7]
local id, worker, token, codeVersion = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local expectedFence, page, base, loose = ARGV[5], ARGV[6], ARGV[7], ARGV[8] ~= ''

local function claimed()
  local from = redis.call('HGET', run, 'snapshotSeq') or '0'
  return {'claimed', redis.call('HGETALL', run), redis.call('HGETALL', payload),
    redis.call('HGETALL', snapshot),
    redis.call('XRANGE', events, string.format('%.0f-0', from + 1), '+', 'COUNT', page),
    redis.call('XRANGE', inbox, '-', '+', 'COUNT', 100)}
end

local m = redis.call('HMGET', run, 'status', 'owner', 'fence', 'seq', 'worker', 'wakeAt', 'lostWorker',
  'lostReason', 'lostAt', 'detectMs', 'bytes', 'inbox', 'paused', 'loose', 'createdAt', 'workflow')
local status, owner, fence, seq = m[1], m[2], m[3], m[4]
if not status then return {'missing'} end
if status == 'running' and owner == token then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'owner', token)
  return claimed()
end
if expectedFence ~= '' and expectedFence ~= fence then return {'stale', fence} end
if loose ~= (m[14] == '1') then return {'idle', status} end
if status == 'running' and not loose then return {'held', m[5]} end

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local mail = tonumber(m[12] or '0') > 0
local awake = status == 'waiting' and (mail or (m[6] and tonumber(m[6]) <= now))
local free = status == 'queued' or status == 'interrupted' or status == 'running'
if m[13] or not (free or awake) then return {'idle', status} end

local at = string.format('%.0f', now)
fence = string.format('%.0f', math.max(fence + 1, micros))
seq = string.format('%.0f', seq + 1)
local data = '{"worker":' .. cjson.encode(worker) .. ',"codeVersion":' .. codeVersion
redis.call('HDEL', run, 'wakeAt')
if m[7] then
  local claimMs = string.format('%.0f', math.max(0, now - m[9]))
  data = data .. ',"takeover":{"from":' .. cjson.encode(m[7]) .. ',"reason":"' .. m[8]
    .. '","detectMs":' .. m[10] .. ',"claimMs":' .. claimMs .. '}'
  redis.call('HINCRBY', run, 'takeovers', 1)
  redis.call('HSET', run, 'claimMs', claimMs)
  redis.call('XADD', base .. 'recoveries', 'MAXLEN', '~', 1000, '*', 'run', id, 'workflow', m[16], 'lostBy', m[7],
    'reason', m[8], 'lostAt', m[9], 'detectMs', m[10], 'worker', worker, 'claimMs', claimMs)
end
data = data .. '}'
redis.call('XADD', events, seq .. '-' .. fence, 'type', 'run.claimed', 'at', at, 'data', data)
redis.call('HSET', run, 'status', 'running', 'fence', fence, 'owner', token, 'worker', worker, 'seq', seq,
  'claimSeq', seq, 'codeVersion', codeVersion, 'changedAt', at, 'bytes', m[11] + #data)
if loose then
  redis.call('ZADD', base .. 'loose', at, id)
else
  redis.call('SADD', held, id)
  redis.call('SADD', base .. 'holders', worker)
end
redis.call('ZREM', due, id)
redis.call('ZREM', base .. 'by-status:' .. status, id)
redis.call('ZADD', base .. 'by-status:running', m[15], id)
-- The tilde says: it has not come to its end.
redis.call('SPUBLISH', base .. 'changed:' .. id, '~' .. seq)
return claimed()
