#!lua flags=allow-oom
-- Counts the turns of runs that are at work again, where a turnstile has forgotten them.
-- Atomic because a turn must be counted for its key and for its workflow.
-- KEYS[1] turnstiles: zset, see parts/turnstile
-- ARGV[1] fleet: prefix of the keys of turnstiles
-- ARGV[2] workflow of the first turn; workflow, key, run, birth and number alternate from here
-- Returns {counted}: how many had been forgotten
-- Keeps: a turn that is known stays as it is; whoever is at work is counted, also beyond the limits.
local fleet = ARGV[1]

-- include parts/turnstile.lua
-- include parts/turns.lua

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now, counted, seen = math.floor(micros / 1000), 0, {}
for i = 2, #ARGV, 5 do
  local workflow, key, member, turn = ARGV[i], ARGV[i + 1], ARGV[i + 2] .. ' ' .. ARGV[i + 3], ARGV[i + 4]
  if redis.call('HSETNX', keyOf('turn-holders', workflow, key), member, turn) == 1 then
    local turnstile = keyOf('turnstile', workflow)
    local last = redis.call('HGET', turnstile, 'last') or '0'
    redis.call('HSET', turnstile, 'last', text(math.max(last, turn)))
    redis.call('ZADD', keyOf('turn-held', workflow), text(now + checkAfter(0)), member .. ' ' .. key)
    redis.call('ZREM', keyOf('turn-line', workflow, key), member)
    counted, seen[workflow] = counted + 1, true
  end
end
for workflow in pairs(seen) do redis.call('ZADD', KEYS[1], 'LT', text(now + checkAfter(0)), workflow) end
return {counted}
