#!lua
-- Makes a thread of LangGraph out of all that another one has.
-- Atomic because nobody may go on with a thread of which a part is missing.
-- KEYS[1] run: hash
-- KEYS[2] checkpoints: hash
-- KEYS[3] order: zset
-- KEYS[4] values: hash
-- KEYS[5] written: set
-- KEYS[6] interrupted: set
-- ARGV[1] id: of the run that the thread is
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] birth: random text, of the thread
-- ARGV[4] workflow: of the runs that threads are
-- ARGV[5] input: payload bytes of the record
-- ARGV[6] ttl: milliseconds until the thread expires, or empty
-- ARGV[7] shards: how many the caller knows of
-- ARGV[8] sure: 1 when the caller has just seen that the prefix has so many, or empty
-- ARGV[9] holder: who holds the copy from its beginning, or empty
-- ARGV[10] kind of the first part: c, a checkpoint with its event; v, a value; w, a write; i, a checkpoint with an open
--   question. Then name, bytes, and for a checkpoint the JSON of its event, for a write the checkpoint. Four from here
-- Returns {'copied'} | {'exists'} | {'unsure'}: the last two have written nothing
-- Keeps: a thread that is there is left as it is.
local run, checkpoints, order, values = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local written, interrupted = KEYS[5], KEYS[6]
local id, base = ARGV[1], ARGV[2]

-- include parts/langgraph.lua

if redis.call('EXISTS', run) == 1 then return {'exists'} end
local shards = base .. 'shards'
local agrees = redis.call('GET', shards) == ARGV[7]
if not agrees and ARGV[8] == '' then return {'unsure'} end
if not agrees then redis.call('SET', shards, ARGV[7]) end
makeThread(base, id, ARGV[3], ARGV[4], ARGV[5])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local seq, bytes = 1, 24
for i = 10, #ARGV, 4 do
  local kind, name, stored, more = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  bytes = bytes + #stored
  if kind == 'c' then
    seq = seq + 1
    redis.call('HSET', checkpoints, name, stored)
    redis.call('ZADD', order, 0, name)
    local entry = string.format('%.0f-0', seq)
    redis.call('XADD', base .. 'events:' .. id, entry, 'type', 'checkpoint.put', 'at', at, 'data', more)
  elseif kind == 'v' then
    redis.call('HSET', values, name, stored)
  elseif kind == 'w' then
    redis.call('HSET', base .. 'thread-writes:' .. id .. ':' .. more, name, stored)
    redis.call('SADD', written, more)
  else
    redis.call('SADD', interrupted, name)
  end
end
redis.call('HSET', run, 'seq', string.format('%.0f', seq), 'bytes', string.format('%.0f', bytes))
if ARGV[9] ~= '' then redis.call('HSET', run, 'heldBy', ARGV[9]) end
if ARGV[6] ~= '' then redis.call('ZADD', base .. 'langgraph-expiry', string.format('%.0f', now + ARGV[6]), id) end
standThread(base, id)
redis.call('SPUBLISH', base .. 'changed:' .. id, '+' .. string.format('%.0f', seq))
return {'copied'}
