#!lua
-- Asks a run to end as cancelled. Its handler is told, so that it can clean up; a run that never began just ends.
-- Atomic because a run that is claimed in this moment must either be asked or be gone.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] inbox: stream
-- KEYS[5] seen: set of message ids
-- KEYS[6] due: zset
-- ARGV[1] id: run id
-- ARGV[2] message: its id; the same one again changes nothing
-- ARGV[3] data: payload bytes, who asks and why
-- ARGV[4] error: payload bytes, of the run if it ends here
-- ARGV[5] keep: milliseconds an ended run is kept
-- ARGV[6] base: prefix of the shard's keys
-- Returns {'asked', what parts/describe tells …} | {'cancelled'} | {'cancelled', workflow, key, birth} | {'ended', status}
--   | {'missing'}
-- Keeps: what a run has done is not undone behind its handler's back.
local run, payload, events, inbox, seen, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, message, data, err, keep, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]

-- include parts/describe.lua
-- include parts/told-end.lua

local m = redis.call('HMGET', run, 'fence', 'status', 'worker', 'seq', 'codeVersion', 'bytes', 'parent', 'woken',
  'createdAt', 'waitsIn', 'cancelEntry', 'onEnd', 'workflow', 'key', 'createToken')
local fence, status, claimed = m[1], m[2], m[5]
local keyed = m[14] and {m[13], m[14], m[15]} or {}
if not status then return {'missing'} end
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local at = string.format('%.0f', now)
if redis.call('SISMEMBER', seen, message) == 1 then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'status', status)
  if status == 'cancelled' then return {'cancelled', unpack(keyed)} end
  return {'asked', unpack(describe(base, id, now))}
end
if status == 'completed' or status == 'failed' or status == 'cancelled' then return {'ended', status} end

redis.call('SADD', seen, message)
redis.call('HDEL', run, 'paused')
if status == 'quarantined' or not claimed then
  fence = string.format('%.0f', math.max(fence + 1, micros))
  local seq = string.format('%.0f', m[4] + 1)
  redis.call('XADD', events, seq .. '-' .. fence, 'type', 'run.cancelled', 'at', at, 'data', data)
  redis.call('HSET', run, 'status', 'cancelled', 'fence', fence, 'seq', seq, 'changedAt', at, 'bytes', m[6] + #data)
  redis.call('HDEL', run, 'wakeAt', 'waits', 'waitsIn', 'wants', 'woken', 'turn')
  for index in string.gmatch(m[10] or '', '[^\n]+') do redis.call('ZREM', base .. 'by-wait:' .. index, id) end
  redis.call('HSET', payload, 'error', err)
  redis.call('ZREM', base .. 'by-status:' .. status, id)
  redis.call('ZADD', base .. 'by-status:cancelled', m[9], id)
  local dueAt = string.format('%.0f', now + keep)
  local tells = m[7] or m[12]
  if tells or claimed then
    redis.call('HSET', run, 'expiresAt', dueAt)
    if tells then redis.call('HSET', run, 'notifyPending', '1') end
    -- What a quarantined run has started was never told that this is over.
    if claimed then redis.call('HSET', run, 'cancelPending', '1') end
    dueAt = at
  end
  redis.call('ZADD', due, dueAt, id)
  redis.call('SPUBLISH', base .. 'changed:' .. id, toldEnd('cancelled', err, seq))
  return {'cancelled', unpack(keyed)}
end
-- One that waits in the inbox says all that another one could say.
if not (m[11] and redis.call('XRANGE', inbox, m[11], m[11])[1]) then
  local entry = redis.call('XADD', inbox, '*', 'id', message, 'kind', 'cancel', 'name', '', 'at', at, 'data', data)
  redis.call('HSET', run, 'cancelEntry', entry)
end
redis.call('HSET', run, 'cancelId', message)
if status == 'running' then
  redis.call('SPUBLISH', base .. 'nudges:' .. m[3], id)
else
  if status == 'waiting' and not m[8] then redis.call('HSET', run, 'woken', at) end
  redis.call('ZADD', due, at, id)
end
return {'asked', unpack(describe(base, id, now))}
