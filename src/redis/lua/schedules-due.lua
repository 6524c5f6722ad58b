#!lua flags=allow-oom
-- Finds the schedules that are to be looked at now.
-- Atomic because a schedule must be read as it is at one moment, with its version.
-- KEYS[1] schedules: zset, ids by the time of the next look
-- ARGV[1] limit: schedules at most
-- ARGV[2] base: prefix of the hashes of schedules
-- ARGV[3] bytes: about as much is returned at most
-- Returns {now, id, fields, …}
-- Keeps: being looked at changes nothing; a sweeper may die at any point.
local schedules, limit, base, bytes = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local found = {now}
for _, id in ipairs(redis.call('ZRANGE', schedules, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)) do
  local fields = redis.call('HGETALL', base .. id)
  if #fields == 0 then
    redis.call('ZREM', schedules, id)
  else
    for i = 2, #fields, 2 do bytes = bytes - #fields[i] end
    found[#found + 1] = id
    found[#found + 1] = fields
    if bytes <= 0 then break end
  end
end
return found
