#!lua
-- Stores what a task of a thread of LangGraph has written.
-- Atomic because of two writes to one place only one may win, and a deleted thread must stay so.
-- KEYS[1] run: hash
-- KEYS[2] checkpoints: hash
-- KEYS[3] writes: hash, task and place -> what was written
-- KEYS[4] written: set of the checkpoints that have writes
-- KEYS[5] values: hash, key -> bytes
-- ARGV[1] id: of the run that the thread is
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] workflow: of the runs that threads are
-- ARGV[4] checkpoint: namespace and id
-- ARGV[5] born: the thread must have this birth, or empty for any
-- ARGV[6] interrupts: 1 when a question is among the writes, or empty
-- ARGV[7] holder: who must hold the thread, or empty for any
-- ARGV[8] task and place of the first write; then 1 where the first write wins or empty where the last one does, what was
--   written ('r' and a key of 22 characters when its value lies among the values), and the bytes of that value or empty.
--   Four arguments for each write from here
-- Returns {'written', birth, 0|1 whether the checkpoint is there} | {'missing'}: there is no thread
--   | {'late'}: it is another thread by now | {'taken', workflow} | {'lost'}: another one holds the thread
-- Keeps: the first write to a place stays, but for the few places where the last one does.
local run, checkpoints, writes, written, values = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, base, checkpoint = ARGV[1], ARGV[2], ARGV[4]

-- include parts/langgraph.lua

local m = redis.call('HMGET', run, 'workflow', 'createToken', 'bytes', 'heldBy')
if ARGV[7] ~= '' and ARGV[7] ~= m[4] then return {'lost'} end
if not m[1] then return {ARGV[5] == '' and 'missing' or 'late'} end
if m[1] ~= ARGV[3] then return {'taken', m[1]} end
if ARGV[5] ~= '' and ARGV[5] ~= m[2] then return {'late'} end

local grown = 0
for i = 8, #ARGV, 4 do
  local field, first, text, bytes = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local isStored = first == '' or redis.call('HSETNX', writes, field, text) == 1
  if first == '' then redis.call('HSET', writes, field, text) end
  if isStored then
    grown = grown + #text
    local isNew = bytes ~= '' and redis.call('HSETNX', values, string.sub(text, 2, 23), bytes) == 1
    if isNew then grown = grown + #bytes end
  end
end
if #ARGV > 7 then redis.call('SADD', written, checkpoint) end
redis.call('HSET', run, 'bytes', string.format('%.0f', m[3] + grown))
if ARGV[6] ~= '' and redis.call('SADD', base .. 'thread-interrupted:' .. id, checkpoint) == 1 then
  standThread(base, id)
  redis.call('SPUBLISH', base .. 'changed:' .. id, '0')
end
return {'written', m[2], redis.call('HEXISTS', checkpoints, checkpoint)}
