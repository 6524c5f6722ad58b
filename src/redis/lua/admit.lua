#!lua
-- Gives a run the turn that it was granted; or says that it is of no use.
-- Atomic because a run must not need a turn at one moment and get it at another, when it is over or paused.
-- KEYS[1] run: hash
-- KEYS[2] due: zset
-- ARGV[1] id: run id
-- ARGV[2] birth: of the run that the turn was granted to
-- ARGV[3] turn: its number
-- ARGV[4] resend: milliseconds until the wake-up is sent again
-- ARGV[5] base: prefix of the shard's keys
-- Returns {'admitted', what parts/describe tells …} | {'kept'} | {'useless'}
-- Keeps: a turn that was once said to be useless, or was given up, is never had; a run of another birth takes none.
local run, due = KEYS[1], KEYS[2]
local id, birth, turn, resend, base = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

-- include parts/describe.lua

local m = redis.call('HMGET', run, 'status', 'createToken', 'turn', 'lastTurn', 'paused', 'key')
local status, has = m[1], m[3]
if not status or m[2] ~= birth or not m[6] then return {'useless'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not has then
  if tonumber(turn) <= tonumber(m[4] or '0') then return {'useless'} end
  -- Noted in any case: whoever tries to give it this turn later must not.
  redis.call('HSET', run, 'lastTurn', turn)
  local needs = string.find(describe(base, id, now)[6], 't', 1, true)
  if m[5] or not needs then return {'useless'} end
  redis.call('HSET', run, 'turn', turn)
  redis.call('ZADD', due, string.format('%.0f', now + resend), id)
elseif tonumber(turn) > tonumber(has) then
  redis.call('HSET', run, 'turn', turn, 'lastTurn', turn)
elseif turn ~= has then
  return {'useless'}
end
if status == 'running' then return {'kept'} end
return {'admitted', unpack(describe(base, id, now))}
