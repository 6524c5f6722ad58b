#!lua
-- Gives a thread of LangGraph to a run that executes a graph on it, and makes the thread when there is none.
-- Atomic because of two runs that want the thread, and of two claims of one run, only one may write to it.
-- KEYS[1] run: hash
-- ARGV[1] id: of the run that the thread is
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] birth: random text, that of the thread if this call makes it
-- ARGV[4] workflow: of the runs that threads are
-- ARGV[5] input: payload bytes of the record
-- ARGV[6] by: id of the run that wants it
-- ARGV[7] fence: of that run's claim
-- ARGV[8] seen: who held it when the caller looked, or empty for nobody; = for a run that has held it before
-- ARGV[9] shards: how many the caller knows of
-- ARGV[10] sure: 1 when the caller has just seen that the prefix has so many, or empty
-- Returns {'held'} | {'changed', holder}: since the caller looked | {'lost', holder}: to a later claim, or to another run
--   | {'gone'}: the thread that it held was deleted | {'taken', workflow}: by another run | {'unsure'}
-- Keeps: a claim that was replaced never holds the thread again; a run takes it from another one once.
local run, id, base, workflow = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local by, fence, seen = ARGV[6], ARGV[7], ARGV[8]

-- include parts/langgraph.lua

local m = redis.call('HMGET', run, 'workflow', 'heldBy')
if m[1] and m[1] ~= workflow then return {'taken', m[1]} end
local holder = m[2] or ''
if seen == '=' then
  if not m[1] then return {'gone'} end
  local who, before = string.match(holder, '^(.*) (%d+)$')
  if who ~= by or tonumber(before) > tonumber(fence) then return {'lost', holder} end
elseif seen ~= holder then
  return {'changed', holder}
end
if not m[1] then
  local shards = base .. 'shards'
  local agrees = redis.call('GET', shards) == ARGV[9]
  if not agrees and ARGV[10] == '' then return {'unsure'} end
  if not agrees then redis.call('SET', shards, ARGV[9]) end
  makeThread(base, id, ARGV[3], workflow, ARGV[5])
end
redis.call('HSET', run, 'heldBy', by .. ' ' .. fence)
return {'held'}
