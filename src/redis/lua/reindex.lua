#!lua
-- Puts a run into the indexes that its record names, and takes it out of the others.
-- Atomic because the record must not change between the look at it and the writing.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] due: zset
-- ARGV[1] id: run id
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] keep: milliseconds an ended run is kept, should nothing say so
-- ARGV[4] name of the first status; all statuses from here
-- Returns {'reindexed'} | {'missing'}
-- Keeps: a run that is indexed well is left as it is, and no time at which it is due is moved.
local run, payload, due = KEYS[1], KEYS[2], KEYS[3]
local id, base, keep = ARGV[1], ARGV[2], tonumber(ARGV[3])

local m = redis.call('HMGET', run, 'status', 'workflow', 'createdAt', 'changedAt', 'worker', 'unmanaged', 'paused',
  'wakeAt', 'woken', 'notifyPending', 'expiresAt', 'cancelPending', 'pollMs', 'waitsIn', 'parkedBy', 'key',
  'parent')
local status, createdAt, changedAt, worker, unmanaged = m[1], m[3], m[4], m[5], m[6]
for i = 4, #ARGV do
  if ARGV[i] ~= status then redis.call('ZREM', base .. 'by-status:' .. ARGV[i], id) end
end
if not status then
  for _, index in ipairs({'runs', 'ids', 'unmanaged', 'due'}) do redis.call('ZREM', base .. index, id) end
  return {'missing'}
end

redis.call('ZADD', base .. 'runs', createdAt, id)
redis.call('ZADD', base .. 'ids', 0, id)
redis.call('ZADD', base .. 'by-status:' .. status, createdAt, id)
redis.call('ZADD', base .. 'by-workflow:' .. m[2], createdAt, id)
for tag in string.gmatch(redis.call('HGET', payload, 'tags') or '', '[^\n]+') do
  redis.call('ZADD', base .. 'by-tag:' .. tag, createdAt, id)
end
if m[16] then redis.call('ZADD', base .. 'by-key:' .. m[16], createdAt, id) end
if unmanaged then redis.call('ZADD', base .. 'unmanaged', changedAt, id) end
if m[17] then redis.call('ZADD', base .. 'by-parent:' .. m[17], createdAt, id) end
for index in string.gmatch(m[14] or '', '[^\n]+') do
  redis.call('ZADD', base .. 'by-wait:' .. index, createdAt, id)
end
if m[15] then
  local parked = string.match(m[15], ' (.*)$')
  redis.call('SADD', base .. 'parked:' .. parked, id)
  redis.call('SADD', base .. 'holders', parked)
end
if status == 'running' then
  redis.call('ZREM', due, id)
  if not unmanaged then
    redis.call('SADD', base .. 'held:' .. worker, id)
    redis.call('SADD', base .. 'holders', worker)
  end
  return {'reindexed'}
end

-- When somebody has to look at it, if ever.
local dueAt
local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
if ended then
  dueAt = (m[10] or m[12]) and changedAt or m[11] or string.format('%.0f', changedAt + keep)
elseif not m[7] and not unmanaged and status ~= 'quarantined' then
  -- A run that an older pawl has parked wants every message.
  local isOwed = not m[14] and redis.call('XLEN', base .. 'inbox:' .. id) > 0
  if status ~= 'waiting' or m[9] or isOwed then dueAt = m[9] or changedAt
  elseif m[13] then dueAt = string.format('%.0f', math.min(tonumber(m[8] or math.huge), changedAt + m[13]))
  else dueAt = m[8] end
end
if not dueAt then
  redis.call('ZREM', due, id)
elseif not redis.call('ZSCORE', due, id) then
  redis.call('ZADD', due, dueAt, id)
end
return {'reindexed'}
