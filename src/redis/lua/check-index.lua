#!lua flags=no-writes
-- Tells in which indexes a run is missing, and in which it stands without reason.
-- Atomic because a run that changes between two looks would seem damaged when it is not.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] due: zset
-- ARGV[1] id: run id
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] name of the first status; all statuses from here
-- Returns {'missing from <index>' | 'wrongly in <index>', …}: empty when all is well
-- Keeps: nothing is written; it wants what reindex would make, so that a repair leaves nothing to find.
local run, payload, due = KEYS[1], KEYS[2], KEYS[3]
local id, base = ARGV[1], ARGV[2]
local found = {}

local function look(index, wanted, score)
  local at = redis.call('ZSCORE', base .. index, id)
  if wanted and not at then
    found[#found + 1] = 'missing from ' .. index
  elseif wanted and score and at ~= score then
    found[#found + 1] = 'missing from its place in ' .. index
  elseif at and not wanted then
    found[#found + 1] = 'wrongly in ' .. index
  end
end

local m = redis.call('HMGET', run, 'status', 'workflow', 'createdAt', 'worker', 'unmanaged', 'paused', 'wakeAt', 'woken',
  'pollMs', 'waitsIn', 'parkedBy', 'key', 'parent')
local status, createdAt, worker, unmanaged = m[1], m[3], m[4], m[5]
for i = 3, #ARGV do look('by-status:' .. ARGV[i], ARGV[i] == status, createdAt) end
look('runs', status, createdAt)
look('ids', status)
look('unmanaged', unmanaged)
if not status then
  look('due', false)
  return found
end
look('by-workflow:' .. m[2], true, createdAt)
for tag in string.gmatch(redis.call('HGET', payload, 'tags') or '', '[^\n]+') do
  look('by-tag:' .. tag, true, createdAt)
end
if m[12] then look('by-key:' .. m[12], true, createdAt) end
for index in string.gmatch(m[10] or '', '[^\n]+') do look('by-wait:' .. index, true, createdAt) end
if m[13] then look('by-parent:' .. m[13], true, createdAt) end
local parked = m[11] and string.match(m[11], ' (.*)$')
if parked and redis.call('SISMEMBER', base .. 'parked:' .. parked, id) == 0 then
  found[#found + 1] = 'missing from parked:' .. parked
elseif parked and redis.call('SISMEMBER', base .. 'holders', parked) == 0 then
  found[#found + 1] = 'missing from holders, for ' .. parked
end
if status == 'running' then
  look('due', false)
  if not unmanaged and redis.call('SISMEMBER', base .. 'held:' .. worker, id) == 0 then
    found[#found + 1] = 'missing from held:' .. worker
  elseif not unmanaged and redis.call('SISMEMBER', base .. 'holders', worker) == 0 then
    found[#found + 1] = 'missing from holders, for ' .. worker
  end
  return found
end
local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
local wakes = m[7] or m[8] or m[9] or (not m[10] and redis.call('XLEN', base .. 'inbox:' .. id) > 0)
local waits = not m[6] and not unmanaged and status ~= 'quarantined' and (status ~= 'waiting' or wakes)
-- Ended runs are due to be told of, or to be removed. Where one is due without need, the sweeper only looks in vain.
if (ended or waits) and not redis.call('ZSCORE', due, id) then found[#found + 1] = 'missing from due' end
return found
