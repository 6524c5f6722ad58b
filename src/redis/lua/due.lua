#!lua flags=allow-oom
-- Finds the runs that need attention now and postpones each, so that one sweep does not see them twice.
-- Atomic because a run that was handed out but not postponed would be handed out again at once.
-- KEYS[1] due: zset
-- ARGV[1] limit: runs at most
-- ARGV[2] resend: milliseconds until a run that nobody claimed is due again, at first
-- ARGV[3] base: prefix of the shard's keys
-- ARGV[4] ahead: milliseconds; queued and interrupted runs that will be due within them count as due
-- Returns {run id, workflow, fence, status, deaths, priority, untold, …}
-- Keeps: a run leaves the due index only by a claim, its end or its deletion; a sweeper may die at any point.
local due = KEYS[1]
local limit, resend, base, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
-- Looking ahead passes runs by that are left alone; they must not hide the others behind them.
local window = ahead == 0 and limit or limit * 10
for _, id in ipairs(redis.call('ZRANGE', due, '-inf', string.format('%.0f', now + ahead), 'BYSCORE',
  'LIMIT', 0, window)) do
  if #found >= limit * 7 then break end
  local m = redis.call('HMGET', base .. 'run:' .. id, 'workflow', 'fence', 'status', 'deaths', 'wakeAt', 'changedAt',
    'priority', 'untold')
  if not m[1] then
    redis.call('ZREM', due, id)
  elseif ahead == 0 or m[3] == 'queued' or m[3] == 'interrupted' then
    -- The longer a run has been waiting for a worker, the rarer its wake-up is sent again: a long queue must not cost
    -- more the longer it is.
    local age = now - (m[5] or m[6])
    local later = math.min(math.max(resend, math.floor(age / 2)), 600000)
    redis.call('ZADD', due, string.format('%.0f', now + later), id)
    local values = {id, m[1], m[2], m[3], m[4] or '0', m[7] or '0', m[8] or '0'}
    for _, value in ipairs(values) do found[#found + 1] = value end
  end
end
return found
