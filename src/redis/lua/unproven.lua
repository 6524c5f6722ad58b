#!lua flags=no-writes
-- Names runs that a worker holds and that have made no progress under their present claims.
-- Atomic because of two that are looked at one after the other, one might have ended in between.
-- KEYS[1] held: set of the worker's runs
-- ARGV[1] worker: worker id
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] limit: runs named at most
-- Returns {run id, …}
-- Keeps: nothing is written.
local held, worker, base, limit = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

-- include parts/progress.lua

local found = {}
for _, id in ipairs(redis.call('SMEMBERS', held)) do
  if #found >= limit then break end
  -- One that cannot be read is quarantined when it is taken, and is no evidence.
  local isRead, isProven = pcall(function()
    local m = redis.call('HMGET', base .. 'run:' .. id, 'worker', 'claimSeq', 'seq', 'furthest')
    return m[1] ~= worker or (progress(base .. 'events:' .. id, m[2], m[3], tonumber(m[4] or '0')))
  end)
  if isRead and not isProven then found[#found + 1] = id end
end
return found
