#!lua
-- Makes a schedule, or changes the one with this id.
-- Atomic because a schedule that stands in no index would never be due.
-- KEYS[1] schedule: hash
-- KEYS[2] schedules: zset, ids by the time of the next look
-- KEYS[3] own: set, ids of the workflow's schedules
-- ARGV[1] id: schedule id
-- ARGV[2] workflow: name
-- ARGV[3] next: milliseconds since 1970, its first time
-- ARGV[4] cron: pattern, or empty
-- ARGV[5] zone: time zone of the pattern, or empty
-- ARGV[6] every: milliseconds, or empty
-- ARGV[7] name of its next field; names and values alternate from here
-- Returns {'saved'} | {'taken', workflow}
-- Keeps: the times of a schedule whose timing stays as it was are not counted anew; one that is paused stays so.
local schedule, schedules, own = KEYS[1], KEYS[2], KEYS[3]
local id, workflow, next = ARGV[1], ARGV[2], ARGV[3]
local cron, zone, every = ARGV[4], ARGV[5], ARGV[6]

local known = redis.call('HMGET', schedule, 'workflow', 'cron', 'timeZone', 'everyMs', 'version', 'nextAt',
  'paused')
if known[1] and known[1] ~= workflow then return {'taken', known[1]} end

-- One that was removed and made again has a greater version as well.
local time = redis.call('TIME')
local version = math.max((known[5] or 0) + 1, time[1] * 1000000 + time[2])
redis.call('HSET', schedule, 'workflow', workflow, 'cron', cron, 'timeZone', zone, 'everyMs', every,
  'version', string.format('%.0f', version), unpack(ARGV, 7))
if not known[1] then redis.call('HSET', schedule, 'timesMissed', '0', 'timesSkipped', '0', 'lastRun', '') end
local stays = known[1] and known[2] == cron and known[3] == zone and known[4] == every
if not stays then
  redis.call('HSET', schedule, 'nextAt', next, 'waiting', '')
  redis.call('ZADD', schedules, known[7] == '1' and '+inf' or next, id)
elseif not redis.call('ZSCORE', schedules, id) then
  redis.call('ZADD', schedules, known[7] == '1' and '+inf' or known[6], id)
end
redis.call('SADD', own, id)
return {'saved'}
