#!lua
-- Gives the turn of a run back, which others get; or takes the run out of the line of its key.
-- Atomic because a turn that is given back, and granted to nobody, would be waited for.
-- KEYS[1] turnstiles: zset, see parts/turnstile
-- ARGV[1] fleet: prefix of the keys of turnstiles
-- ARGV[2] workflow: name
-- ARGV[3] key: of the run
-- ARGV[4] member: id and birth of the run
-- ARGV[5] turn: the number of the turn that it gives back, or empty to leave the line
-- Returns {number of the turn that it still has or empty, workflow, key, run, birth, turn, …}: all turns that were granted
-- Keeps: only who knows the number of a turn gives it back. A run that gives back an old turn may stand in line for the
--   next one, and still does.
local fleet, workflow, key, member, turn = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- include parts/turnstile.lua
-- include parts/turns.lua

local holders, line = keyOf('turn-holders', workflow, key), keyOf('turn-line', workflow, key)
local granted = {}
if turn == '' then redis.call('ZREM', line, member) end
local held = redis.call('HGET', holders, member)
if held and held == turn then
  redis.call('HDEL', holders, member)
  redis.call('ZREM', keyOf('turn-held', workflow), member .. ' ' .. key)
  held = nil
end
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
makeReady(workflow, key)
local limits = readLimits(redis.call('HGET', keyOf('turnstile', workflow), 'limits'))
local more = pump(workflow, limits, micros, granted)
watch(KEYS[1], workflow, math.floor(micros / 1000), more)
return {held or '', unpack(granted)}
