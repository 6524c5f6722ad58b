#!lua
-- Puts a checkpoint into a thread of LangGraph, and makes the thread when it is the first one.
-- Atomic because a checkpoint without its values, or one that no index has, would end the thread.
-- KEYS[1] run: hash
-- KEYS[2] checkpoints: hash, namespace and id -> head as JSON, a line end, body
-- KEYS[3] order: zset of the same, in the order of namespaces and ids
-- KEYS[4] values: hash, key -> bytes
-- KEYS[5] interrupted: set of the checkpoints at which a question stands open
-- ARGV[1] id: of the run that the thread is
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] birth: random text, that of the thread if this call makes it
-- ARGV[4] workflow: of the runs that threads are
-- ARGV[5] input: payload bytes of the record
-- ARGV[6] namespace: of the checkpoint
-- ARGV[7] checkpoint: its id
-- ARGV[8] parent: id of the checkpoint before it in its namespace, or empty
-- ARGV[9] born: the thread must have this birth, or empty for any
-- ARGV[10] fresh: JSON, channel -> {version, key of its value}
-- ARGV[11] carried: JSON, channel -> {version, key or ?}: whose value is that of the parent with the same version, else the
--   one with this key, if the thread has it
-- ARGV[12] body: bytes
-- ARGV[13] data: JSON of the event
-- ARGV[14] ttl: milliseconds until the thread expires, or empty
-- ARGV[15] shards: how many the caller knows of
-- ARGV[16] sure: 1 when the caller has just seen that the prefix has so many, or empty
-- ARGV[17] holder: who must hold the thread, or empty for any
-- ARGV[18] key of the first value; keys and bytes alternate from here
-- Returns {'put', birth} | {'late'}: the thread, or the parent, is not there | {'taken', workflow}: by another run
--   | {'lost'}: another one holds the thread
--   | {'unsure'} | {'unknown', channels}: these need a key; all but the first have written nothing
-- Keeps: whoever sees a checkpoint sees all of its values; nothing that comes late brings a thread back.
local run, checkpoints, order, values, interrupted = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, base, workflow = ARGV[1], ARGV[2], ARGV[4]
local parent, born = ARGV[8], ARGV[9]

-- include parts/langgraph.lua

local m = redis.call('HMGET', run, 'workflow', 'createToken', 'seq', 'bytes', 'heldBy')
local birth, seq, bytes = m[2], m[3], m[4]
if m[1] and m[1] ~= workflow then return {'taken', m[1]} end
if ARGV[17] ~= '' and ARGV[17] ~= m[5] then return {'lost'} end
if parent ~= '' then parent = ARGV[6] .. '\0' .. parent end
local before = parent ~= '' and redis.call('HGET', checkpoints, parent)
if parent ~= '' and not before then return {'late'} end
if born ~= '' and born ~= birth then return {'late'} end

local channels = cjson.decode(ARGV[10])
local unknown = {}
if ARGV[11] ~= '{}' then
  local had = before and headOf(before).channels or {}
  for channel, wanted in pairs(cjson.decode(ARGV[11])) do
    local own = had[channel]
    if own and own[1] == wanted[1] then
      channels[channel] = own
    elseif wanted[2] == '?' then
      unknown[#unknown + 1] = channel
    elseif redis.call('HEXISTS', values, wanted[2]) == 1 then
      channels[channel] = wanted
    end
  end
end
if #unknown > 0 then return {'unknown', unknown} end

if not birth then
  local shards = base .. 'shards'
  local agrees = redis.call('GET', shards) == ARGV[15]
  if not agrees and ARGV[16] == '' then return {'unsure'} end
  if not agrees then redis.call('SET', shards, ARGV[15]) end
  birth, seq, bytes = ARGV[3], '1', '24'
  makeThread(base, id, birth, workflow, ARGV[5])
end

local grown = #ARGV[12]
for i = 18, #ARGV, 2 do
  if redis.call('HSETNX', values, ARGV[i], ARGV[i + 1]) == 1 then grown = grown + #ARGV[i + 1] end
end
local member = ARGV[6] .. '\0' .. ARGV[7]
local head = cjson.encode({parent = ARGV[8], channels = channels})
local isNew = redis.call('HSET', checkpoints, member, head .. '\n' .. ARGV[12]) == 1
redis.call('ZADD', order, 0, member)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if isNew then
  local at = string.format('%.0f', now)
  seq = string.format('%.0f', seq + 1)
  redis.call('XADD', base .. 'events:' .. id, seq .. '-0', 'type', 'checkpoint.put', 'at', at, 'data', ARGV[13])
  redis.call('HSET', run, 'seq', seq, 'changedAt', at, 'bytes', string.format('%.0f', bytes + grown + #ARGV[13]))
end
if parent ~= '' and redis.call('SREM', interrupted, parent) == 1 then standThread(base, id) end
if ARGV[14] ~= '' then redis.call('ZADD', base .. 'langgraph-expiry', string.format('%.0f', now + ARGV[14]), id) end
redis.call('SPUBLISH', base .. 'changed:' .. id, '+' .. seq)
return {'put', birth}
