#!lua
-- Reads how many shards a prefix has; the first to ask decides, unless workers are at work that know better.
-- Atomic because two who ask at once must be told the same.
-- KEYS[1] config: hash
-- ARGV[1] shards: how many a new prefix is to have
-- ARGV[2] live: prefix of the presence channels of its workers
-- ARGV[3] alone: 1 to decide also when there are workers, or empty
-- Returns {'shards', how many} | {'workers', worker id, …}: nothing is written, they are to be asked
-- Keeps: a prefix has one number of shards.
local config, shards, live, alone = KEYS[1], ARGV[1], ARGV[2], ARGV[3] ~= ''

local known = redis.call('HGET', config, 'shards')
if known then return {'shards', known} end
-- May be refused to this user; then nobody is asked.
local channels = not alone and redis.pcall('PUBSUB', 'SHARDCHANNELS', live .. '*') or {}
if not channels.err and #channels > 0 then
  local reply = {'workers'}
  for i, channel in ipairs(channels) do reply[i + 1] = string.sub(channel, #live + 1) end
  return reply
end
redis.call('HSET', config, 'shards', shards)
return {'shards', shards}
