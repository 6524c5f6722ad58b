#!lua flags=allow-oom
-- Drops checkpoints of a thread of LangGraph with their writes, and every value that nothing refers to afterwards.
-- Atomic because a checkpoint that is put meanwhile may refer to a value that is about to go.
-- KEYS[1] run: hash
-- KEYS[2] checkpoints: hash
-- KEYS[3] order: zset
-- KEYS[4] values: hash
-- KEYS[5] written: set
-- KEYS[6] interrupted: set
-- ARGV[1] id: of the run that the thread is
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] birth: the thread must have
-- ARGV[4] seq: and this one, or a checkpoint has come that the caller has not seen
-- ARGV[5] namespace and id of the first checkpoint; more of them from here
-- Returns {'dropped', values dropped} | {'changed'}: nothing was dropped
-- Keeps: what a checkpoint or a write refers to is there.
local run, checkpoints, order, values = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local written, interrupted = KEYS[5], KEYS[6]
local id, base = ARGV[1], ARGV[2]

-- include parts/langgraph.lua

local m = redis.call('HMGET', run, 'createToken', 'seq', 'bytes')
if m[1] ~= ARGV[3] or m[2] ~= ARGV[4] then return {'changed'} end
local freed = 0
for i = 5, #ARGV do
  local member = ARGV[i]
  freed = freed + redis.call('HSTRLEN', checkpoints, member)
  redis.call('HDEL', checkpoints, member)
  redis.call('ZREM', order, member)
  redis.call('SREM', written, member)
  redis.call('SREM', interrupted, member)
  redis.call('UNLINK', base .. 'thread-writes:' .. id .. ':' .. member)
end
local kept = {}
for _, member in ipairs(redis.call('HKEYS', checkpoints)) do
  local head = headOf(redis.call('HGET', checkpoints, member))
  for _, channel in pairs(head.channels) do kept[channel[2]] = true end
end
for _, member in ipairs(redis.call('SMEMBERS', written)) do
  for _, text in ipairs(redis.call('HVALS', base .. 'thread-writes:' .. id .. ':' .. member)) do
    if string.sub(text, 1, 1) == 'r' then kept[string.sub(text, 2, 23)] = true end
  end
end
local dropped = 0
for _, key in ipairs(redis.call('HKEYS', values)) do
  if not kept[key] then
    freed = freed + redis.call('HSTRLEN', values, key)
    redis.call('HDEL', values, key)
    dropped = dropped + 1
  end
end
redis.call('HSET', run, 'bytes', string.format('%.0f', math.max(0, m[3] - freed)))
standThread(base, id)
redis.call('SPUBLISH', base .. 'changed:' .. id, '0')
return {'dropped', dropped}
