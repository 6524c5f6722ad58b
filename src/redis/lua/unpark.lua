#!lua flags=allow-oom
-- Wakes runs that a lost or leaving worker has parked while their handlers might go on: nobody else would know of it.
-- Atomic because a run that is claimed in this moment is at work, and must not be made due.
-- KEYS[1] parked: set of the worker's runs
-- KEYS[2] due: zset
-- ARGV[1] worker: worker id
-- ARGV[2] limit: runs looked at, at most
-- ARGV[3] base: prefix of the shard's keys
-- Returns how many were looked at: fewer than the limit when none is left
-- Keeps: a parked run whose worker is gone is awake; one that is paused stays so.
local parked, due = KEYS[1], KEYS[2]
local worker, limit, base = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local looked = 0
while looked < limit do
  local id = redis.call('SPOP', parked)
  if not id then break end
  looked = looked + 1
  local run = base .. 'run:' .. id
  local m = redis.call('HMGET', run, 'status', 'parkedBy', 'paused', 'woken')
  if m[1] == 'waiting' and m[2] and string.match(m[2], ' (.*)$') == worker then
    redis.call('HDEL', run, 'parkedBy')
    if not m[4] then redis.call('HSET', run, 'woken', at) end
    if not m[3] then redis.call('ZADD', due, at, id) end
    redis.call('SPUBLISH', base .. 'changed:' .. id, '~')
  end
end
if redis.call('EXISTS', parked, base .. 'held:' .. worker) == 0 then
  redis.call('SREM', base .. 'holders', worker)
end
return looked
