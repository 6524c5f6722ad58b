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
-- ARGV[8] unmanaged: 1 to take an unmanaged run from whoever has it, or empty
-- ARGV[9] reclaim: 1 to take a waiting run also when it sleeps, or empty
-- ARGV[10] any: 1 to take a run that newer code has written, or empty
-- Returns {'claimed', run fields, payload fields, snapshot fields, events, messages,
--   questions 0|1, now in ms} | {'held', worker}
--   | {'stale', fence} | {'notClaimable', status} | {'newer', codeVersion} | {'missing'} | {'damaged', key, why}
--   | {'unadmitted', key, birth, begun 0|1, priority}
-- Keeps: fences of a run only grow, also over a failover that lost the last one; a run has one owner; older code does not
--   take what newer code wrote; a run with a key is claimed only while it has a turn.
local run, payload, events, snapshot = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local due, held, inbox = KEYS[5], KEYS[6], KEYS[7]
local id, worker, token, codeVersion = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local expectedFence, page, base, unmanaged = ARGV[5], ARGV[6], ARGV[7], ARGV[8] ~= ''

-- include parts/damage.lua

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function claimed(beside)
  local from = redis.call('HGET', run, 'snapshotSeq') or '0'
  return {'claimed', redis.call('HGETALL', run), beside[1], beside[2],
    cmsgpack.pack(redis.call('XRANGE', events, string.format('%.0f-0', from + 1), '+', 'COUNT', page)), beside[3],
    redis.call('EXISTS', base .. 'questions:' .. id), string.format('%.0f', now)}
end

-- What is read beside the record and the log: a claim changes nothing of it, so it is known to be readable before anything
-- is written.
local function readBeside()
  return {redis.pcall('HGETALL', payload), redis.pcall('HGETALL', snapshot),
    redis.pcall('XRANGE', inbox, '-', '+', 'COUNT', 100)}
end

local m = redis.call('HMGET', run, 'status', 'owner', 'fence', 'seq', 'worker', 'wakeAt', 'lostWorker',
  'lostReason', 'lostAt', 'detectMs', 'bytes', 'woken', 'paused', 'unmanaged', 'createdAt', 'workflow', 'waitsIn',
  'parkedBy', 'wroteVersion', 'codeVersion', 'key', 'turn', 'createToken', 'priority')
local status, owner, fence, seq = m[1], m[2], m[3], m[4]
if not status then return {'missing'} end
if status == 'running' and owner == token then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'owner', token)
  return claimed(readBeside())
end
if expectedFence ~= '' and expectedFence ~= fence then return {'stale', fence} end
if unmanaged ~= (m[14] == '1') then return {'notClaimable', status} end
if status == 'running' and not unmanaged then return {'held', m[5]} end

local free = status == 'queued' or status == 'interrupted' or status == 'running'
if status == 'waiting' then
  free = ARGV[9] ~= '' or m[12] or (m[6] and tonumber(m[6]) <= now)
  -- A run that an older pawl has parked wants every message.
  if not free and not m[17] then free = redis.call('XLEN', inbox) > 0 end
end
if m[13] or not free then return {'notClaimable', status} end
local wrote = tonumber(m[19] or m[20] or '0')
if tonumber(codeVersion) < wrote and ARGV[10] == '' then
  local refusals = redis.call('HINCRBY', run, 'refused', 1)
  -- Newer code may be there as well, or come at any time: the wake-up is sent again soon, and then more rarely.
  local again = now + math.min(100 * 2 ^ (refusals - 1), 10000)
  if not unmanaged then redis.call('ZADD', due, 'LT', string.format('%.0f', again), id) end
  return {'newer', string.format('%.0f', wrote)}
end
if m[21] and not m[22] then
  -- A handler that goes on has woken its run; another execution goes on when the run has its turn.
  if status == 'waiting' and not m[12] then redis.call('HSET', run, 'woken', string.format('%.0f', now)) end
  return {'unadmitted', m[21], m[23], m[20] and 1 or 0, m[24] or '0'}
end
local function damaged(key, failed)
  local damage = damageOf(failed)
  if not damage then return redis.error_reply(failed.err) end
  -- An unmanaged run is its caller's to look after.
  if not unmanaged then quarantine(base, id, key, damage, now) end
  return {'damaged', key, damage}
end
local beside = readBeside()
for i, key in ipairs({payload, snapshot, inbox}) do
  if beside[i].err then return damaged(key, beside[i]) end
end

local at = string.format('%.0f', now)
fence = string.format('%.0f', math.max(fence + 1, micros))
seq = string.format('%.0f', seq + 1)
local data = '{"worker":' .. cjson.encode(worker) .. ',"codeVersion":' .. codeVersion
local claimMs = m[7] and string.format('%.0f', math.max(0, now - m[9]))
if m[7] then
  data = data .. ',"takeover":{"from":' .. cjson.encode(m[7]) .. ',"reason":"' .. m[8]
    .. '","detectMs":' .. m[10] .. ',"claimMs":' .. claimMs .. '}'
end
data = data .. '}'
local added = redis.pcall('XADD', events, seq .. '-' .. fence, 'type', 'run.claimed', 'at', at, 'data', data)
if type(added) == 'table' and added.err then return damaged(events, added) end
-- What it waited for stays, so that the next owner knows since when.
redis.call('HDEL', run, 'wakeAt', 'waitsIn', 'wants', 'pollMs', 'woken', 'parkedBy', 'refused')
if m[7] then
  redis.call('HINCRBY', run, 'takeovers', 1)
  redis.call('HSET', run, 'claimMs', claimMs)
  redis.call('XADD', base .. 'recoveries', 'MAXLEN', '~', 1000, '*', 'run', id, 'workflow', m[16], 'lostBy', m[7],
    'reason', m[8], 'lostAt', m[9], 'detectMs', m[10], 'worker', worker, 'claimMs', claimMs)
end
redis.call('HSET', run, 'status', 'running', 'fence', fence, 'owner', token, 'worker', worker, 'seq', seq,
  'claimSeq', seq, 'codeVersion', codeVersion, 'wroteVersion', math.max(wrote, codeVersion), 'changedAt', at,
  'bytes', m[11] + #data)
if unmanaged then
  redis.call('ZADD', base .. 'unmanaged', at, id)
else
  redis.call('SADD', held, id)
  redis.call('SADD', base .. 'holders', worker)
end
redis.call('ZREM', due, id)
redis.call('ZREM', base .. 'by-status:' .. status, id)
for index in string.gmatch(m[17] or '', '[^\n]+') do redis.call('ZREM', base .. 'by-wait:' .. index, id) end
if m[18] then redis.call('SREM', base .. 'parked:' .. string.match(m[18], ' (.*)$'), id) end
redis.call('ZADD', base .. 'by-status:running', m[15], id)
-- The tilde says: it has not come to its end.
redis.call('SPUBLISH', base .. 'changed:' .. id, '~' .. seq)
return claimed(beside)
