#!lua
-- Lets a run into the turnstile of its workflow: it gets a turn, or stands in line.
-- Atomic because two runs must not both see the last free turn.
-- KEYS[1] turnstiles: zset, see parts/turnstile
-- ARGV[1] fleet: prefix of the keys of turnstiles
-- ARGV[2] workflow: name
-- ARGV[3] key: of the run
-- ARGV[4] member: id and birth of the run
-- ARGV[5] priority: 0 before all others
-- ARGV[6] state: begun if it was at work before, asleep if it wants no turn yet, or empty
-- ARGV[7] ifFree: 1 to go in only if it gets a turn at once, or empty
-- ARGV[8] limits: as parts/turnstile has them, or empty
-- Returns {'granted' | 'queued' | 'busy', what when busy, how many older runs are to make way, run, birth, …, workflow,
--   key, run, birth, turn, …}: these older ones, and all turns that were granted
-- Keeps: no key, and no workflow, has more turns than it may have.
local fleet, workflow, key, member = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- include parts/turnstile.lua
-- include parts/turns.lua

-- The runs of the key that are to make way for this one: for debounce, those before it that have not begun; for replace,
-- when it has to wait, all before it and those at work.
local function olderThan(order, busy, has)
  local older = {}
  local function add(other)
    for part in string.gmatch(other, '%S+') do older[#older + 1] = part end
  end
  if busy ~= 'debounce' and (busy ~= 'replace' or has) then return older end
  local spared = keyOf('turn-spared', workflow, key)
  local others = redis.call('ZRANGE', keyOf('turn-line', workflow, key), 0, -1, 'WITHSCORES')
  for i = 1, #others, 2 do
    local score = tonumber(others[i + 1])
    local makesWay = busy == 'replace' or (score >= 0 and redis.call('SISMEMBER', spared, others[i]) == 0)
    if score % arrivals() < order and makesWay then add(others[i]) end
  end
  if busy == 'replace' then
    for _, other in ipairs(redis.call('HKEYS', keyOf('turn-holders', workflow, key))) do add(other) end
  end
  return older
end

-- A run arrives: it goes on with the burst of starts, or begins another one, which spares those in line.
local function arrive(limits, now)
  if limits.busy ~= 'debounce' or not limits.burst then return end
  local burst, spared = keyOf('turn-burst', workflow, key), keyOf('turn-spared', workflow, key)
  local line, waiting = keyOf('turn-line', workflow, key), {}
  for _, other in ipairs(redis.call('SMEMBERS', spared)) do
    if not redis.call('ZSCORE', line, other) then redis.call('SREM', spared, other) end
  end
  for _, other in ipairs(redis.call('ZRANGE', line, '0', '+inf', 'BYSCORE')) do
    if redis.call('SISMEMBER', spared, other) == 0 then waiting[#waiting + 1] = other end
  end
  local began = tonumber(redis.call('GET', burst) or '0')
  if #waiting > 0 and now - began < limits.burst then return end
  for _, other in ipairs(waiting) do redis.call('SADD', spared, other) end
  -- The minute is for a clock that was set back.
  redis.call('SET', burst, text(now), 'PX', text(limits.burst + 60000))
end

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local limits = readLimits(setLimits(workflow, ARGV[8]))
local line, granted = keyOf('turn-line', workflow, key), {}

-- A turn that was counted again may be one more than there are (see turns-hold), and of a run that is not at work any more:
-- such a run has not got this turn, and stands in line like all others.
local isHolder = redis.call('HEXISTS', keyOf('turn-holders', workflow, key), member) == 1
local isOver = isHolder and hasTooMany(workflow, key, limits)
if isHolder and not isOver then
  -- A new number: who gives the turn back that it had until now does not mean this one.
  local turn = number(workflow, key, member, micros)
  redis.call('ZREM', line, member)
  local run, birth = string.match(member, '^(%S+) (%S+)$')
  redis.call('ZADD', KEYS[1], 'LT', text(now + checkAfter(0)), workflow)
  return {'granted', limits.busy, 0, workflow, key, run, birth, turn}
end
if ARGV[7] ~= '' then
  local isFree = not firstOf(workflow, key) and hasRoom(workflow, key, limits, now)
  if not isFree then return {'busy', limits.busy, 0} end
  grant(workflow, key, member, limits, micros, granted)
  redis.call('ZADD', KEYS[1], 'LT', text(now + checkAfter(0)), workflow)
  return {'granted', limits.busy, 0, unpack(granted)}
end
local score = redis.call('ZSCORE', line, member)
if not score and ARGV[6] ~= 'begun' then arrive(limits, now) end
local turnstile = keyOf('turnstile', workflow)
local order = score and score % arrivals() or redis.call('HINCRBY', turnstile, 'order', 1)
local class = ARGV[6] == 'begun' and -1 or ARGV[6] == 'asleep' and 1000001 or tonumber(ARGV[5])
redis.call('ZADD', line, text(class * arrivals() + order), member)
makeReady(workflow, key)
local more = pump(workflow, limits, micros, granted)
watch(KEYS[1], workflow, now, more)
local has = not isOver and redis.call('HEXISTS', keyOf('turn-holders', workflow, key), member) == 1
local reply = {has and 'granted' or 'queued', limits.busy}
local older = ARGV[6] == 'begun' and {} or olderThan(order, limits.busy, has)
reply[3] = #older / 2
for _, value in ipairs(older) do reply[#reply + 1] = value end
for _, value in ipairs(granted) do reply[#reply + 1] = value end
return reply
