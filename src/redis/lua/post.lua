#!lua
-- Puts a message for a run into its inbox, whether or not anybody waits for it; wakes a run that waits for it.
-- Atomic because a message that is stored while the run parks must not be slept over.
-- KEYS[1] run: hash
-- KEYS[2] inbox: stream
-- KEYS[3] seen: set of message ids
-- KEYS[4] due: zset
-- ARGV[1] id: run id
-- ARGV[2] message: its id; the same one again changes nothing
-- ARGV[3] kind: of message
-- ARGV[4] name: of the signal, or the id of the child that has ended
-- ARGV[5] data: payload bytes
-- ARGV[6] base: prefix of the shard's keys
-- Returns {'posted' | 'known', taken 0|1, woken 0|1, what parts/describe tells …} | {'ended', status}
--   | {'missing'}
-- Keeps: messages are read in the order in which they came; a run that got what it waits for is running, or due.
local run, inbox, seen, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, message, kind, name, data, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

-- include parts/describe.lua
-- include parts/inbox.lua

local m = redis.call('HMGET', run, 'status', 'worker', 'paused', 'woken', 'wants')
local status, paused, woken = m[1], m[3], m[4]
if not status then return {'missing'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local function reply(outcome, taken)
  local goesOn = status == 'waiting' and woken and not paused
  return {outcome, taken and 1 or 0, goesOn and 1 or 0, unpack(describe(base, id, now))}
end
if redis.call('SISMEMBER', seen, message) == 1 then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'status', status)
  return reply('known', not holds(inbox, function(known) return known == message end))
end
local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
-- A run that has failed may be resumed, and then must not wait for a child that ended meanwhile.
if ended and not (status == 'failed' and kind == 'child') then return {'ended', status} end

redis.call('SADD', seen, message)
redis.call('XADD', inbox, '*', 'id', message, 'kind', kind, 'name', name, 'at', at, 'data', data)
if status == 'running' then
  redis.call('SPUBLISH', base .. 'nudges:' .. m[2], id)
elseif status == 'waiting' and isWanted(m[5] or nil, kind, name) then
  if not woken then redis.call('HSET', run, 'woken', at) end
  woken = true
  if not paused then redis.call('ZADD', due, at, id) end
end
return reply('posted')
