#!lua flags=no-writes
-- Reads a checkpoint of a thread of LangGraph: the newest of a namespace, or one by its id; its values, and its writes.
-- Atomic because what is dropped between two reads would be missing from the second.
-- KEYS[1] run: hash
-- KEYS[2] checkpoints: hash
-- KEYS[3] order: zset
-- KEYS[4] values: hash
-- ARGV[1] writes: prefix of the keys that have the writes to a checkpoint
-- ARGV[2] namespace: of the checkpoint
-- ARGV[3] checkpoint: its id, or empty for the newest
-- Returns {'loaded', birth, id, stored, writes, values} | {'missing', birth or empty}
-- Keeps: nothing is written.
local run, checkpoints, order, values = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local namespace, id = ARGV[2], ARGV[3]

-- include parts/langgraph.lua

local birth = redis.call('HGET', run, 'createToken') or ''
if id == '' then
  local newest = redis.call('ZREVRANGEBYLEX', order, '(' .. namespace .. '\1', '[' .. namespace .. '\0', 'LIMIT', 0, 1)[1]
  if not newest then return {'missing', birth} end
  id = string.sub(newest, #namespace + 2)
end
local member = namespace .. '\0' .. id
local stored = redis.call('HGET', checkpoints, member)
if not stored then return {'missing', birth} end
local found, seen = {}, {}
local function take(key)
  if seen[key] then return end
  seen[key] = true
  found[#found + 1] = key
  found[#found + 1] = redis.call('HGET', values, key)
end
for _, channel in pairs(headOf(stored).channels) do take(channel[2]) end
local writes = redis.call('HGETALL', ARGV[1] .. member)
for i = 2, #writes, 2 do
  if string.sub(writes[i], 1, 1) == 'r' then take(string.sub(writes[i], 2, 23)) end
end
return {'loaded', birth, id, stored, writes, found}
