#!lua flags=allow-oom
-- Registers a worker or renews its session.
-- Atomic because presence must be judged by the same server, in the same moment, that the session is written to.
-- KEYS[1] workers: zset, worker id by end of session
-- KEYS[2] worker: hash
-- KEYS[3] presence: hash, worker id to the server that saw its subscription
-- KEYS[4] config: hash
-- ARGV[1] id: worker id
-- ARGV[2] channel: the worker's presence channel
-- ARGV[3] session: milliseconds
-- ARGV[4] shards: how many the worker knows of
-- ARGV[5] name of the first field; names and values of the worker's fields alternate from here
-- Returns {'present' | 'absent', draining 0|1} | {'shards', how many the prefix has}: nothing is written
-- Keeps: presence is trusted only on the very server that has seen the subscription alive; a worker whose Redis was emptied
--   says again how many shards there are, and one that others do not agree with is not registered.
local workers, worker, presence, config = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, channel, session = ARGV[1], ARGV[2], tonumber(ARGV[3])

redis.call('HSETNX', config, 'shards', ARGV[4])
local shards = redis.call('HGET', config, 'shards')
if shards ~= ARGV[4] then return {'shards', shards} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local ends = string.format('%.0f', now + session)
redis.call('ZADD', workers, ends, id)
redis.call('HSET', worker, 'seenAt', at, 'sessionEndsAt', ends, unpack(ARGV, 5))
redis.call('HSETNX', worker, 'startedAt', at)
local draining = redis.call('HEXISTS', worker, 'draining')
-- Either may be refused to this user; then the worker has no presence, and its session decides.
local listeners = redis.pcall('PUBSUB', 'SHARDNUMSUB', channel)[2]
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
if not server or not listeners or listeners == 0 then
  redis.call('HDEL', presence, id)
  return {'absent', draining}
end
redis.call('HSET', presence, id, server)
return {'present', draining}
