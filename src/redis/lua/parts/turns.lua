-- The work of turnstiles, see parts/turnstile: limits, turns that are granted, and the next look.

-- What the text of the limits says.
local function readLimits(limits)
  local pattern = '(%d+) (%d+) (%d+) (%d+) (%a+)'
  local perKey, all, max, per, busy = string.match(limits or '0 0 0 0 queue 0', pattern)
  local burst = string.match(limits or '', '%a+ (%d+) %d+$')
  return {
    perKey = tonumber(perKey), all = tonumber(all), max = tonumber(max), per = tonumber(per), busy = busy,
    burst = tonumber(burst),
  }
end

-- When the rate of a key allows another turn; 0 for now.
local function rateFrom(workflow, key, limits, now)
  if limits.max == 0 then return 0 end
  local stretch = redis.call('GET', keyOf('turn-rate', workflow, key))
  local ends, count = string.match(stretch or '0 0', '(%d+) (%d+)')
  if tonumber(ends) <= now or tonumber(count) < limits.max then return 0 end
  return tonumber(ends)
end

-- Whether a key may have one more turn.
local function hasRoom(workflow, key, limits, now)
  local all = limits.all == 0 or redis.call('ZCARD', keyOf('turn-held', workflow)) < limits.all
  local own = limits.perKey == 0 or redis.call('HLEN', keyOf('turn-holders', workflow, key)) < limits.perKey
  return all and own and rateFrom(workflow, key, limits, now) == 0
end

-- Whether more turns are counted than there may be.
local function hasTooMany(workflow, key, limits)
  local all = limits.all > 0 and redis.call('ZCARD', keyOf('turn-held', workflow)) > limits.all
  local own = redis.call('HLEN', keyOf('turn-holders', workflow, key))
  return all or (limits.perKey > 0 and own > limits.perKey)
end

-- A new number for the turn of a run, greater than all before.
local function number(workflow, key, member, micros)
  local turnstile = keyOf('turnstile', workflow)
  local turn = text(math.max((redis.call('HGET', turnstile, 'last') or 0) + 1, micros))
  redis.call('HSET', turnstile, 'last', turn)
  redis.call('HSET', keyOf('turn-holders', workflow, key), member, turn)
  local lookAt = text(math.floor(micros / 1000) + checkAfter(0))
  redis.call('ZADD', keyOf('turn-held', workflow), lookAt, member .. ' ' .. key)
  return turn
end

-- Gives a run a turn, and notes it in `granted`.
local function grant(workflow, key, member, limits, micros, granted)
  local now = math.floor(micros / 1000)
  if limits.max > 0 then
    local rate = keyOf('turn-rate', workflow, key)
    local ends, count = string.match(redis.call('GET', rate) or '0 0', '(%d+) (%d+)')
    if tonumber(ends) <= now then ends, count = text(now + limits.per), 0 end
    -- The minute is for a clock that was set back.
    redis.call('SET', rate, ends .. ' ' .. text(count + 1), 'PX', text(limits.per + 60000))
  end
  redis.call('ZREM', keyOf('turn-line', workflow, key), member)
  local turn = number(workflow, key, member, micros)
  local run, birth = string.match(member, '^(%S+) (%S+)$')
  for _, value in ipairs({workflow, key, run, birth, turn}) do granted[#granted + 1] = value end
end

-- Who gets the next turn of a key; nil when nobody wants one.
local function firstOf(workflow, key)
  local line, asleep = keyOf('turn-line', workflow, key), '(' .. text(1000001 * arrivals())
  return redis.call('ZRANGE', line, '-inf', asleep, 'BYSCORE', 'LIMIT', 0, 1)[1]
end

-- A key that got in, or whose run has left, goes behind all keys that wait.
local function makeReady(workflow, key)
  redis.call('SREM', keyOf('turn-full', workflow), key)
  if not firstOf(workflow, key) then return end
  if redis.call('ZSCORE', keyOf('turn-later', workflow), key) then return end
  local round = redis.call('HGET', keyOf('turnstile', workflow), 'round') or '0'
  redis.call('ZADD', keyOf('turn-ready', workflow), 'NX', round, key)
end

-- Notes what a caller knows of the limits; empty when it knows nothing. Those of older code change nothing. What the new
-- ones allow is granted by the next pump.
local function setLimits(workflow, given)
  local known = redis.call('HGET', keyOf('turnstile', workflow), 'limits')
  if given == '' or given == known then return known end
  local version = tonumber(string.match(given, '%d+$'))
  if known and tonumber(string.match(known, '%d+$')) > version then return known end
  redis.call('HSET', keyOf('turnstile', workflow), 'limits', given)
  local full, later = keyOf('turn-full', workflow), keyOf('turn-later', workflow)
  local keys = redis.call('ZRANGE', later, 0, -1)
  redis.call('UNLINK', later)
  for _, key in ipairs(keys) do makeReady(workflow, key) end
  for _, key in ipairs(redis.call('SMEMBERS', full)) do makeReady(workflow, key) end
  return given
end

-- Grants turns while there is room, one key after the other. Returns true when there may be more to grant at once.
local function pump(workflow, limits, micros, granted)
  local ready, later = keyOf('turn-ready', workflow), keyOf('turn-later', workflow)
  local now, left = math.floor(micros / 1000), 50
  for _, key in ipairs(redis.call('ZRANGE', later, '-inf', text(now), 'BYSCORE', 'LIMIT', 0, left)) do
    redis.call('ZREM', later, key)
    makeReady(workflow, key)
  end
  while left > 0 do
    local count = redis.call('ZCARD', keyOf('turn-held', workflow))
    if limits.all > 0 and count >= limits.all then return false end
    local key = redis.call('ZRANGE', ready, 0, 0)[1]
    if not key then return false end
    left = left - 1
    local from = rateFrom(workflow, key, limits, now)
    local member = firstOf(workflow, key)
    if member and from > 0 then
      redis.call('ZREM', ready, key)
      redis.call('ZADD', later, text(from), key)
    elseif not member then
      redis.call('ZREM', ready, key)
    elseif not hasRoom(workflow, key, limits, now) then
      redis.call('ZREM', ready, key)
      redis.call('SADD', keyOf('turn-full', workflow), key)
    else
      grant(workflow, key, member, limits, micros, granted)
      local round = redis.call('HINCRBY', keyOf('turnstile', workflow), 'round', 1)
      redis.call('ZADD', ready, text(round), key)
    end
  end
  return true
end

-- Notes when a sweeper is to look at the turnstile.
local function watch(turnstiles, workflow, now, more)
  local at = more and now or math.huge
  for _, name in ipairs({'turn-held', 'turn-later'}) do
    local first = redis.call('ZRANGE', keyOf(name, workflow), 0, 0, 'WITHSCORES')
    if first[2] then at = math.min(at, tonumber(first[2])) end
  end
  if at < math.huge then
    redis.call('ZADD', turnstiles, text(at), workflow)
  else
    redis.call('ZREM', turnstiles, workflow)
  end
end
