#!lua flags=allow-oom
-- Notes that handlers of parked runs are at work no more.
-- Atomic because the same run may have been claimed and parked again by the same worker, with another handler.
-- KEYS[1] parked: set of the worker's runs
-- ARGV[1] worker: worker id
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] run: of each, the id and the fence it was parked under, from here
-- Returns {'settled'}
-- Keeps: a run whose handler may still be at work stays among those of its worker.
local parked, worker, base = KEYS[1], ARGV[1], ARGV[2]

for i = 3, #ARGV, 2 do
  local run = base .. 'run:' .. ARGV[i]
  local by = redis.call('HGET', run, 'parkedBy')
  if by == ARGV[i + 1] .. ' ' .. worker then redis.call('HDEL', run, 'parkedBy') end
  if not by or by == ARGV[i + 1] .. ' ' .. worker then redis.call('SREM', parked, ARGV[i]) end
end
return {'settled'}
