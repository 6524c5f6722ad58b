#!lua flags=allow-oom
-- Forgets a worker, and lets another one sweep if it was the sweeper.
-- Atomic because a worker that is only half forgotten would be found lost for ever.
-- KEYS[1] workers: zset
-- KEYS[2] worker: hash
-- KEYS[3] presence: hash
-- KEYS[4] sweeper: string
-- ARGV[1] id: worker id
-- ARGV[2] seenAt: of its last beat when it was looked at, 0 for none; or empty, to forget it in any case
-- ARGV[3] channel: its presence channel, which must still be without listeners, or empty
-- Returns {'left'} | {'renewed'}
-- Keeps: the sweeper's lock is released by its holder only; a worker that has shown a sign of life since it was
--   looked at stays.
local workers, worker, presence, sweeper, id = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]

if ARGV[2] ~= '' then
  local listeners = ARGV[3] ~= '' and redis.pcall('PUBSUB', 'SHARDNUMSUB', ARGV[3])[2]
  local seenAt = redis.call('HGET', worker, 'seenAt') or '0'
  if seenAt ~= ARGV[2] or (listeners and listeners > 0) then return {'renewed'} end
end
redis.call('ZREM', workers, id)
redis.call('UNLINK', worker)
redis.call('HDEL', presence, id)
if redis.call('GET', sweeper) == id then redis.call('UNLINK', sweeper) end
return {'left'}
