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
-- ARGV[7] key: of the signal, or empty
-- ARGV[8] wait: the only one that takes the message, or empty
-- ARGV[9] actor: who sends it, or empty
-- ARGV[10] blobs: lines, addresses that this write refers to
-- Returns {'posted' | 'known', taken 0|1, woken 0|1, what parts/describe tells …} | {'ended', status}
--   | {'answered', message} | {'unwanted'} | {'busy'} | {'missing'} | {'swept'}: a blob is garbage by now
-- Keeps: messages are read in the order in which they came; a run that got what it waits for is running, or due; of all
--   answers to one wait, one is in the inbox.
local run, inbox, seen, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, message, kind, name, data, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local key, wait, actor = ARGV[7], ARGV[8], ARGV[9]

-- include parts/describe.lua
-- include parts/inbox.lua
-- include parts/blobs.lua

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

-- An answer is taken by one wait, so it comes only to a run that sleeps and waits so, and that nothing has come for by
-- which this may have ended. Nil when it does.
local function refusal()
  local first = holds(inbox, function(_, k, n, _, w) return k == 'signal' and n == name and w == wait end)
  if first then return {'answered', first} end
  if status ~= 'waiting' then return {'busy'} end
  local wanted = m[5] or '*'
  local lines = '\n' .. wanted .. '\n'
  if string.find(lines, '\n*\n', 1, true) then return nil end
  local _, last = string.find(lines, '\nanswer:' .. name .. '\t' .. wait .. '\t', 1, true)
  local ends = last and tonumber(string.match(lines, '^%d+', last + 1))
  if not last or (ends and ends <= now) then return {'unwanted'} end
  local function mayEnd(_, k, n, other, w)
    return k == 'signal' and n == name and w == '' and isWanted(wanted, k, n, other)
  end
  return holds(inbox, mayEnd) and {'busy'}
end
local refused = wait ~= '' and refusal()
if refused then return refused end

if not takeBlobs(base, id, ARGV[10]) then return {'swept'} end
redis.call('SADD', seen, message)
local about = {}
for _, pair in ipairs({{'key', key}, {'wait', wait}, {'actor', actor}}) do
  if pair[2] ~= '' then about[#about + 1], about[#about + 2] = pair[1], pair[2] end
end
redis.call('XADD', inbox, '*', 'id', message, 'kind', kind, 'name', name, 'at', at, 'data', data, unpack(about))
if status == 'running' then
  redis.call('SPUBLISH', base .. 'nudges:' .. m[2], id)
elseif status == 'waiting' and isWanted(m[5] or nil, kind, name, key) then
  if not woken then redis.call('HSET', run, 'woken', at) end
  woken = true
  if not paused then redis.call('ZADD', due, at, id) end
end
return reply('posted')
