#!lua flags=allow-oom
-- Finds the runs that need attention now and postpones each, so that one sweep does not see them twice.
-- Atomic because a run that was handed out but not postponed would be handed out again at once.
-- KEYS[1] due: zset
-- ARGV[1] limit: runs at most
-- ARGV[2] resend: milliseconds until a run that nobody claimed is due again
-- ARGV[3] base: prefix of the shard's keys
-- Returns {run id, workflow, fence, status, deaths, …}
-- Keeps: a run leaves the due index only by a claim, its end or its deletion; a sweeper may die at any point.
local due = KEYS[1]
local limit, resend, base = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local later = string.format('%.0f', now + resend)
local found = {}
for _, id in ipairs(redis.call('ZRANGE', due, '-inf', string.format('%.0f', now), 'BYSCORE', 'LIMIT', 0, limit)) do
  local m = redis.call('HMGET', base .. 'run:' .. id, 'workflow', 'fence', 'status', 'deaths')
  if m[1] then
    redis.call('ZADD', due, later, id)
    for _, value in ipairs({id, m[1], m[2], m[3], m[4] or '0'}) do found[#found + 1] = value end
  else
    redis.call('ZREM', due, id)
  end
end
return found
