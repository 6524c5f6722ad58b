#!lua
-- The owner's write: appends events, saves what changed of the snapshot, lets go of the run; any of these, all at once.
-- Atomic because log, snapshot, status, timers and indexes must never tell different stories.
-- KEYS[1] run: hash
-- KEYS[2] events: stream
-- KEYS[3] snapshot: hash, plain (a field for each) or packed: one field `whole` instead of them
-- ARGV[1] id: run id
-- ARGV[2] fence: the caller's
-- ARGV[3] owner: token of the caller's claim
-- ARGV[4] token: random text of this commit
-- ARGV[5] expectedSeq: seq of the newest event the caller knows
-- ARGV[6] base: prefix of the shard's keys
-- ARGV[7] count: events, each as three arguments from ARGV[18]: type, payload bytes, lane or empty
-- ARGV[8] schema: of the snapshot; empty for no snapshot
-- ARGV[9] set: fields to set, each as two arguments behind the events: name, payload bytes
-- ARGV[10] remove: fields to remove, each as one argument behind those
-- ARGV[11] status: the run is released to, or empty
-- ARGV[12] result: output or error as payload bytes, or empty
-- ARGV[13] delay: milliseconds until the released run is due, or empty for never
-- ARGV[14] taken: messages at the head of the inbox that are in the events
-- ARGV[15] marks: checkpoints to keep this snapshot as, each as three arguments behind the others: label, node, metadata
-- ARGV[16] size: of the whole snapshot in bytes, for the checkpoints
-- ARGV[17] whole: all fields packed, in place of whatever there was; or empty. How many (4 bytes), then name and payload
--   of each, behind their lengths (4 bytes)
-- Returns {'committed', seq, version} | {'fenced', fence, applied 0|1} | {'conflict', seq} | {'mail'}
--   | {'missing'} | {'damaged'}
-- Keeps: seq is dense; only the owner writes; a commit is stored once however often it is sent; the snapshot is never
--   ahead of the log; what a checkpoint holds is copied before it is overwritten; plain and packed never mix.
local run, events, snapshot = KEYS[1], KEYS[2], KEYS[3]
local id, fence, owner, token, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[6]
local expected, count, schema = tonumber(ARGV[5]), tonumber(ARGV[7]), ARGV[8]
local status, taken, whole = ARGV[11], tonumber(ARGV[14]), ARGV[17]

-- Keys that few commits need are built from the base, so that the others need not send them. Checkpoints: stream, entry id
-- <version>-<n>. Kept: hash, <version>:<field> → what that field was in the checkpoints of that version: = and its bytes,
-- or empty when it was absent. <version>:whole comes when all fields are replaced or unpacked: from then on that version has
-- every field there was, the others were absent in it, and nothing is added to it.
local m = redis.call('HMGET', run, 'fence', 'owner', 'seq', 'token', 'bytes', 'version', 'inbox', 'paused', 'parent',
  'kept', 'loose')
if not m[1] then return {'missing'} end
if m[4] == token then
  redis.call('HSET', run, 'token', token)
  return {'committed', string.format('%.0f', expected + count), m[6] or '0'}
end
if m[1] ~= fence or m[2] ~= owner then
  local own = string.format('%.0f-', expected + 1) .. fence
  return {'fenced', m[1], count > 0 and #redis.call('XRANGE', events, own, own) or 0}
end
if tonumber(m[3]) ~= expected then return {'conflict', m[3]} end
local mail = tonumber(m[7] or '0') - taken
if status == 'waiting' and mail > 0 then return {'mail'} end

-- What the snapshot is made of anew: by a whole save, or by one that changes a packed one. Nothing is written yet.
local anew = whole ~= '' and {'whole', whole}
local packed = schema ~= '' and not anew and redis.call('HGET', snapshot, 'whole')
if packed and not pcall(function()
  anew = {}
  local place = 5
  for i = 1, 2 * struct.unpack('>I4', packed) do anew[i], place = struct.unpack('>I4c0', packed, place) end
  assert(place == #packed + 1)
end) then return {'damaged'} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local seq, bytes, next = expected, tonumber(m[5]), 18
for i = 1, count do
  seq = seq + 1
  local data, lane = ARGV[next + 1], ARGV[next + 2]
  local entry = string.format('%.0f-', seq) .. fence
  -- The plus says: another event of this commit follows.
  redis.call('XADD', events, entry, i < count and 'type+' or 'type', ARGV[next], 'at', at, 'data', data,
    unpack(lane == '' and {} or {'lane', lane}))
  bytes, next = bytes + #data, next + 3
end
local version = m[6] or '0'
seq = string.format('%.0f', seq)
if schema == '' then
  redis.call('HSET', run, 'seq', seq, 'token', token, 'bytes', bytes)
else
  version = string.format('%.0f', version + 1)
  redis.call('HSET', run, 'seq', seq, 'token', token, 'bytes', bytes, 'version', version, 'snapshotSeq', seq)
  local newest, kept = m[10], base .. 'kept:' .. id
  if newest and redis.call('HEXISTS', kept, newest .. ':whole') == 1 then newest = nil end
  local function preserve(field)
    if not newest then return end
    local old = redis.call('HGET', snapshot, field)
    redis.call('HSETNX', kept, newest .. ':' .. field, old and '=' .. old or '')
  end
  -- One call for many fields; Lua cannot unpack more than some thousand values.
  local function put(list, from, to)
    for i = from, to, 1000 do redis.call('HSET', snapshot, unpack(list, i, math.min(i + 999, to))) end
  end
  if anew then
    redis.call('HDEL', snapshot, 'version', 'seq', 'schema', 'at')
    for _, field in ipairs(newest and redis.call('HKEYS', snapshot) or {}) do preserve(field) end
    preserve('whole')
    newest = nil
    redis.call('UNLINK', snapshot)
    put(anew, 1, #anew)
  end
  redis.call('HSET', snapshot, 'version', version, 'seq', seq, 'schema', schema, 'at', at)
  local behind = next + 2 * ARGV[9]
  for field = next, behind - 2, 2 do preserve(ARGV[field]) end
  put(ARGV, next, behind - 1)
  next = behind
  for _ = 1, ARGV[10] do
    preserve(ARGV[next])
    redis.call('HDEL', snapshot, ARGV[next])
    next = next + 1
  end
  for n = 0, ARGV[15] - 1 do
    redis.call('XADD', base .. 'checkpoints:' .. id, version .. '-' .. n, 'seq', seq, 'schema', schema, 'at', at, 'bytes', ARGV[16],
      'label', ARGV[next], 'node', ARGV[next + 1], 'metadata', ARGV[next + 2])
    redis.call('HSET', run, 'kept', version)
    next = next + 3
  end
end
if taken > 0 then
  local inbox = base .. 'inbox:' .. id
  for _, message in ipairs(redis.call('XRANGE', inbox, '-', '+', 'COUNT', taken)) do
    redis.call('XDEL', inbox, message[1])
  end
  redis.call('HSET', run, 'inbox', mail)
end
if status ~= '' then
  local field = status == 'completed' and 'output' or 'error'
  if ARGV[12] ~= '' then redis.call('HSET', base .. 'payload:' .. id, field, ARGV[12]) end
  local was = redis.call('HMGET', run, 'worker', 'createdAt')
  redis.call('SREM', base .. 'held:' .. was[1], id)
  redis.call('HSET', run, 'status', status, 'changedAt', at)
  redis.call('HDEL', run, 'owner', 'worker', 'deaths', 'lostWorker', 'lostReason', 'lostAt', 'detectMs', 'claimMs')
  redis.call('ZREM', base .. 'by-status:running', id)
  redis.call('ZADD', base .. 'by-status:' .. status, was[2], id)
  local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
  -- A run that is over is not to be resumed as if it had only been paused.
  if ended then redis.call('HDEL', run, 'paused') end
  if ARGV[13] ~= '' and (ended or not (m[8] or m[11])) then
    local dueAt = string.format('%.0f', now + ARGV[13])
    if ended and m[9] then
      -- Its parent is owed the news: due at once, and kept until the parent was told.
      redis.call('HSET', run, 'untold', '1', 'expiresAt', dueAt)
      dueAt = at
    end
    redis.call('ZADD', base .. 'due', dueAt, id)
  end
  if status == 'waiting' and ARGV[13] ~= '' then
    redis.call('HSET', run, 'wakeAt', string.format('%.0f', now + ARGV[13]))
  end
end
if m[11] then
  redis.call('HSET', run, 'changedAt', at)
  redis.call('ZADD', base .. 'loose', at, id)
end
local open = status == 'waiting' or status == 'queued'
redis.call('SPUBLISH', base .. 'changed:' .. id, (status == '' and '+' or open and '~' or '') .. seq)
return {'committed', seq, version}
