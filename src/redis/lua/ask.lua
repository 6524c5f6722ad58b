#!lua
-- Puts a question to a run, and wakes the run if it is parked.
-- Atomic because a question that is stored while the run parks must not be slept over.
-- KEYS[1] run: hash
-- KEYS[2] questions: hash, see parts/questions
-- KEYS[3] due: zset
-- ARGV[1] id: run id
-- ARGV[2] question: its id; the same one again changes nothing
-- ARGV[3] name: of the question
-- ARGV[4] data: payload bytes
-- ARGV[5] time: milliseconds for which a reply is waited for
-- ARGV[6] most: questions that may be open
-- ARGV[7] base: prefix of the shard's keys
-- Returns {'asked', woken 0|1, workflow, fence, status, losses, priority, notes} | {'full'} | {'paused'} | {'ended', status}
--   | {'missing'}
-- Keeps: a bounded number of questions is open, each for a bounded time; a run that is asked is running, or due.
local run, questions, due = KEYS[1], KEYS[2], KEYS[3]
local id, question, name, data, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[7]

-- include parts/describe.lua
-- include parts/inbox.lua
-- include parts/questions.lua

local m = redis.call('HMGET', run, 'status', 'worker', 'paused', 'woken', 'wants')
local status, woken = m[1], m[4]
if not status then return {'missing'} end
if status == 'completed' or status == 'failed' or status == 'cancelled' or status == 'quarantined' then
  return {'ended', status}
end
if m[3] then return {'paused'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
if not fieldOf(questions, question) then
  local open, last = openQuestions(questions, now)
  if open >= tonumber(ARGV[6]) then return {'full'} end
  local ends = now + ARGV[5]
  redis.call('HSET', questions, string.format('%.0f', ends) .. ' ' .. question, name .. '\n' .. data)
  redis.call('PEXPIRE', questions, string.format('%.0f', math.max(last, ends) - now + 1000))
end
if status == 'running' then
  redis.call('SPUBLISH', base .. 'nudges:' .. m[2], '?' .. id)
elseif status == 'waiting' and isWanted(m[5] or nil, 'ask', '', '') then
  if not woken then redis.call('HSET', run, 'woken', at) end
  woken = true
  redis.call('ZADD', due, at, id)
end
return {'asked', status == 'waiting' and woken and 1 or 0, unpack(describe(base, id, now))}
