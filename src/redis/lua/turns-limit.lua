#!lua flags=allow-oom
-- Notes the limits of workflows, as their code has them.
-- Atomic because older code must not change what newer code has said.
-- KEYS[1] turnstiles: zset, see parts/turnstile
-- ARGV[1] fleet: prefix of the keys of turnstiles
-- ARGV[2] workflow, the first one; workflows and their limits, as parts/turnstile has them, alternate from here
-- Returns {changed}: how many are other than before; a sweeper grants at once what they allow
-- Keeps: a workflow without limits, whose runs never asked for a turn, has no turnstile.
local fleet = ARGV[1]

-- include parts/turnstile.lua
-- include parts/turns.lua

local time = redis.call('TIME')
local now, changed = time[1] * 1000 + math.floor(time[2] / 1000), 0
for i = 2, #ARGV, 2 do
  local workflow, limits = ARGV[i], ARGV[i + 1]
  local known = redis.call('HGET', keyOf('turnstile', workflow), 'limits')
  local isNone = string.find(limits, '^0 0 0 0 queue ') ~= nil
  if (known or not isNone) and setLimits(workflow, limits) ~= known then
    changed = changed + 1
    watch(KEYS[1], workflow, now, true)
  end
end
return {changed}
