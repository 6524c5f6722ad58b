#!lua flags=allow-oom
-- Looks after the turnstiles: grants what time allows, and tells which turns are to be looked at again.
-- Atomic because a turn that was told of must be due later, or it would be told of again at once.
-- KEYS[1] turnstiles: zset, see parts/turnstile
-- ARGV[1] fleet: prefix of the keys of turnstiles
-- ARGV[2] limit: turns told of at most, of each turnstile
-- ARGV[3] all: 1 to look at every turn, after a loss; or empty
-- Returns {'granted' | 'doubtful', workflow, key, run, birth, turn, …}
-- Keeps: a turn leaves the turnstile only when it is given back; a sweeper may die at any point.
local turnstiles, fleet, limit = KEYS[1], ARGV[1], tonumber(ARGV[2])

-- include parts/turnstile.lua
-- include parts/turns.lua

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local found = {}
local function tell(kind, values)
  for i = 1, #values, 5 do
    found[#found + 1] = kind
    for place = i, i + 4 do found[#found + 1] = values[place] end
  end
end
local untilAt = ARGV[3] ~= '' and '+inf' or text(now)
local due = redis.call('ZRANGE', turnstiles, '-inf', untilAt, 'BYSCORE', 'LIMIT', 0, 100)
for _, workflow in ipairs(due) do
  local held, granted, doubtful = keyOf('turn-held', workflow), {}, {}
  if ARGV[3] ~= '' then
    local every = redis.call('ZRANGE', held, 0, -1)
    for _, member in ipairs(every) do redis.call('ZADD', held, text(now), member) end
  end
  local limits = readLimits(redis.call('HGET', keyOf('turnstile', workflow), 'limits'))
  local members = redis.call('ZRANGE', held, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, limit)
  for _, member in ipairs(members) do
    local run, birth, key = string.match(member, '^(%S+) (%S+) (.*)$')
    local turn = redis.call('HGET', keyOf('turn-holders', workflow, key), run .. ' ' .. birth)
    if turn then
      local age = now - math.floor(turn / 1000)
      redis.call('ZADD', held, text(now + checkAfter(age)), member)
      for _, value in ipairs({workflow, key, run, birth, turn}) do doubtful[#doubtful + 1] = value end
    else
      redis.call('ZREM', held, member)
    end
  end
  local more = pump(workflow, limits, micros, granted)
  watch(turnstiles, workflow, now, more)
  tell('granted', granted)
  tell('doubtful', doubtful)
end
return found
