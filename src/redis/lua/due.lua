#!lua flags=allow-oom
-- Finds the runs that need attention now and postpones each, so that one sweep does not see them twice.
-- Atomic because a run that was handed out but not postponed would be handed out again at once.
-- KEYS[1] due: zset
-- ARGV[1] limit: runs at most
-- ARGV[2] resend: milliseconds until a run that nobody claimed is due again, at first
-- ARGV[3] base: prefix of the shard's keys
-- ARGV[4] ahead: milliseconds; queued and interrupted runs that will be due within them count as due
-- Returns {run id, workflow, fence, status, losses, priority, notes, key, birth, …}; notes: see parts/describe.
--   Of a run whose record cannot be read, the status is damaged and the notes say why
-- Keeps: a run leaves the due index only by a claim, its end or its deletion; a sweeper may die at any point.
local due = KEYS[1]
local limit, resend, base, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

-- include parts/describe.lua
-- include parts/damage.lua

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
-- Looking ahead passes runs by that are left alone; they must not hide the others behind them.
local window = ahead == 0 and limit or limit * 10
local function visit(id)
  local about = describe(base, id, now)
  local status, asleep = about[3], about[6] == 'a'
  if not status then
    redis.call('ZREM', due, id)
  elseif ahead == 0 or status == 'queued' or status == 'interrupted' then
    local m = redis.call('HMGET', base .. 'run:' .. id, 'changedAt', 'wakeAt', 'woken', 'pollMs', 'refused', 'turn')
    local since, wakeAt = m[1], tonumber(m[2] or math.huge)
    if status == 'waiting' and not asleep then since = math.min(wakeAt, tonumber(m[3] or math.huge), now) end
    -- The number of a turn is the time at which it was granted, in microseconds.
    if m[6] then since = math.max(since, math.floor(m[6] / 1000)) end
    -- The longer a run has been waiting for a worker, the rarer its wake-up is sent again: a long queue must not cost
    -- more the longer it is. Newer code may come at any time.
    local pause = math.min(math.max(resend, math.floor((now - since) / 2)), m[5] and 10000 or 600000)
    -- One that needs a turn asks for it now, and then stands in line: that the line is lost as well is seen to more rarely.
    local needsTurn = string.find(about[6], 't', 1, true)
    if needsTurn then pause = math.min(math.max(60000, 2 * (now - since)), 600000) end
    local later = now + pause
    -- One that sleeps is due to be looked at, or by mistake.
    if asleep then later = math.min(wakeAt, m[4] and later or math.huge) end
    if later < math.huge then redis.call('ZADD', due, string.format('%.0f', later), id) else redis.call('ZREM', due, id) end
    if not asleep or m[4] then
      found[#found + 1] = id
      for _, value in ipairs(about) do found[#found + 1] = value end
    end
  end
end

for _, id in ipairs(redis.call('ZRANGE', due, '-inf', string.format('%.0f', now + ahead), 'BYSCORE',
  'LIMIT', 0, window)) do
  if #found >= limit * 9 then break end
  -- One whose record is damaged must not keep the others from being looked after.
  local isRead, failed = pcall(visit, id)
  if not isRead then
    local damage = damageOf(failed)
    if not damage then error(failed) end
    redis.call('ZREM', due, id)
    local values = {id, '', '0', 'damaged', '0', '0', damage, '', ''}
    for _, value in ipairs(values) do found[#found + 1] = value end
  end
end
return found
