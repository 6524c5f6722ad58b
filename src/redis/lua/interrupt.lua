#!lua flags=allow-oom
-- Takes runs from a lost worker and makes them ready for another one; quarantines those that keep killing workers.
-- Atomic because a zombie must be shut out in the moment its run becomes free.
-- KEYS[1] held: set of the worker's runs
-- KEYS[2] due: zset
-- KEYS[3] session: hash of the worker
-- ARGV[1] worker: worker id
-- ARGV[2] reason: presence-lost, session-expired or forgotten
-- ARGV[3] lastSeenAt: milliseconds since 1970
-- ARGV[4] resend: milliseconds until the wake-up is sent again
-- ARGV[5] quarantineAfter: a run is quarantined with so much evidence
-- ARGV[6] limit: runs handled at most
-- ARGV[7] base: prefix of the shard's keys
-- ARGV[8] evidence: the run that was alone without progress, or empty
-- ARGV[9] seenAt: of the worker's last beat when it was looked at, 0 for none; or empty, not to look at its session
-- ARGV[10] channel: the worker's presence channel, which must still be without listeners, or empty
-- ARGV[11] run: none to take all that the worker holds, else only those named from here
-- Returns {run id, workflow, fence, status, losses, priority, notifyPending, key, birth, …} of the runs it took
--   | {'renewed'}
-- Keeps: a run without an owner is due or quarantined; its old owner's fence is stale; who lives keeps its runs.
local held, due = KEYS[1], KEYS[2]
local worker, reason, lastSeenAt, base = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[7]
local resend, quarantineAfter, limit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local suspect = ARGV[8]

if ARGV[9] ~= '' then
  -- It may have come back since it was looked at. Its presence may be hidden from this user.
  local listeners = ARGV[10] ~= '' and redis.pcall('PUBSUB', 'SHARDNUMSUB', ARGV[10])[2]
  local seenAt = redis.call('HGET', KEYS[3], 'seenAt') or '0'
  if seenAt ~= ARGV[9] or (listeners and listeners > 0) then return {'renewed'} end
end

-- include parts/progress.lua
-- include parts/damage.lua

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)
local at = string.format('%.0f', now)
local taken = {}
local function take(id)
  local run, events = base .. 'run:' .. id, base .. 'events:' .. id
  local m = redis.call('HMGET', run, 'worker', 'fence', 'seq', 'claimSeq', 'losses', 'workflow', 'bytes',
    'priority', 'paused', 'createdAt', 'proofs', 'furthest')
  if m[1] == worker then
    local fence = string.format('%.0f', math.max(m[2] + 1, micros))
    local seq = m[3] + 1
    local losses, proofs = tonumber(m[5] or '0'), tonumber(m[11] or '0')
    local proven, furthest = progress(events, m[4], m[3], tonumber(m[12] or '0'))
    if proven then
      losses, proofs = 0, 0
    elseif reason ~= 'forgotten' then
      -- A worker that has forgotten a run lives.
      losses, proofs = losses + 1, proofs + (id == suspect and 1 or 0)
    end
    -- The newest event is a sign of life as well.
    local newest = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
    local seen = math.max(lastSeenAt, newest and newest[2][4] or 0)
    local detectMs = string.format('%.0f', math.max(0, now - seen))
    local data = string.format('{"worker":%s,"reason":"%s","lastSeenAt":%.0f,"detectMs":%s,"losses":%d,"proofs":%d}',
      cjson.encode(worker), reason, seen, detectMs, losses, proofs)
    local bytes = m[7] + #data
    redis.call('XADD', events, string.format('%.0f-', seq) .. fence,
      'type', 'run.interrupted', 'at', at, 'data', data)
    local status = 'interrupted'
    if proofs >= quarantineAfter then
      status, seq = 'quarantined', seq + 1
      local evidence = string.format('{"worker":%s,"losses":%d,"proofs":%d}',
        cjson.encode(worker), losses, proofs)
      bytes = bytes + #evidence
      redis.call('XADD', events, string.format('%.0f-', seq) .. fence,
        'type', 'run.quarantined', 'at', at, 'data', evidence)
      redis.pcall('HSET', base .. 'payload:' .. id, 'error', string.format(
        '{"name":"QuarantinedError","code":"PAWL_RUN_QUARANTINED","message":%s}', cjson.encode(string.format(
        'The run lost %d workers in a row without progress, %d of them with no other run under suspicion; '
        .. 'the last was %s.', losses, proofs, worker))))
    elseif not m[9] then
      redis.call('ZADD', due, string.format('%.0f', now + resend), id)
    end
    redis.call('HSET', run, 'status', status, 'fence', fence, 'seq', string.format('%.0f', seq),
      'bytes', bytes, 'losses', losses, 'proofs', proofs, 'furthest', furthest, 'changedAt', at, 'lostWorker', worker,
      'lostReason', reason, 'lostAt', at, 'detectMs', detectMs)
    redis.call('HDEL', run, 'worker', 'owner', 'claimMs')
    if status == 'quarantined' then redis.call('HDEL', run, 'turn') end
    redis.call('ZREM', base .. 'by-status:running', id)
    redis.call('ZADD', base .. 'by-status:' .. status, m[10], id)
    redis.call('XADD', base .. 'recoveries', 'MAXLEN', '~', 1000, '*', 'run', id, 'workflow', m[6], 'lostBy', worker,
      'reason', reason, 'lostAt', at, 'detectMs', detectMs, 'status', status)
    redis.call('SPUBLISH', base .. 'changed:' .. id, string.format('%.0f', seq))
    local values = {id, m[6], fence, status, losses, m[8] or '0', '0', '', ''}
    for _, value in ipairs(values) do taken[#taken + 1] = value end
  end
end

-- A run that cannot be taken must not keep its neighbours from being taken.
local function try(id)
  local isTaken, failed = pcall(take, id)
  if isTaken then return end
  local damage = damageOf(failed)
  if not damage then error(failed) end
  -- Where not even the record is one, nothing can be written to.
  pcall(quarantine, base, id, base .. 'events:' .. id, damage, now)
end

for i = 11, #ARGV do
  if #taken >= limit * 9 then break end
  redis.call('SREM', held, ARGV[i])
  try(ARGV[i])
end
-- Entries that are not the worker's any more are dropped on the way, so fewer than asked for means that none is left.
while #ARGV == 10 and #taken < limit * 9 do
  local id = redis.call('SPOP', held)
  if not id then break end
  try(id)
end
if redis.call('EXISTS', held, base .. 'parked:' .. worker) == 0 then redis.call('SREM', base .. 'holders', worker) end
return taken
