#!lua flags=no-writes
-- Counts the runs of a shard by status, and tells what is late: due runs, and runs that wait for a worker.
-- Atomic because a run that changes its status between two counts would be counted twice, or not at all.
-- KEYS[1] due: zset
-- ARGV[1] base: prefix of the shard's keys
-- ARGV[2] look: runs looked at in each status
-- ARGV[3] status: the first one to count; all others follow from here
-- Returns {runs that are due, milliseconds since the first was, milliseconds the oldest has waited for a worker,
--   runs of each status …}
-- Keeps: nothing is written.
local due, base, look = KEYS[1], ARGV[1], tonumber(ARGV[2])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function since(score) return math.max(0, now - tonumber(score)) end

local overdue = redis.call('ZCOUNT', due, '-inf', string.format('%.0f', now))
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
local lateMs = overdue > 0 and since(first[2]) or 0

-- Nobody is to take a paused run, or an unmanaged one: it does not wait for a worker. The index is in the order of
-- creation, and what was created first is not always what has waited longest: all of those looked at are asked.
local function waited(status)
  local longest = 0
  for _, id in ipairs(redis.call('ZRANGE', base .. 'by-status:' .. status, 0, look - 1)) do
    local m = redis.call('HMGET', base .. 'run:' .. id, 'paused', 'unmanaged', 'changedAt')
    if m[3] and not (m[1] or m[2]) then longest = math.max(longest, since(m[3])) end
  end
  return longest
end
local waitingMs = math.max(waited('queued'), waited('interrupted'))

local reply = {overdue, string.format('%.0f', lateMs), string.format('%.0f', waitingMs)}
for i = 3, #ARGV do reply[#reply + 1] = redis.call('ZCARD', base .. 'by-status:' .. ARGV[i]) end
return reply
