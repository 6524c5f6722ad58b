#!lua
-- The owner's write: appends events, saves what changed of the snapshot, lets go of the run; any of these, all at once.
-- Atomic because log, snapshot, status, timers and indexes must never tell different stories.
-- KEYS[1] run: hash
-- KEYS[2] events: stream
-- KEYS[3] snapshot: hash, see parts/save
-- ARGV[1] id: run id
-- ARGV[2] fence: the caller's
-- ARGV[3] owner: token of the caller's claim
-- ARGV[4] token: random text of this commit
-- ARGV[5] expectedSeq: seq of the newest event the caller knows
-- ARGV[6] base: prefix of the shard's keys
-- ARGV[7] count: events, each as three arguments behind these: type, payload bytes, branch or empty
-- ARGV[8] schema: of the snapshot; empty for no snapshot
-- ARGV[9] set: fields to set, each as two arguments behind the events: name, payload bytes
-- ARGV[10] remove: fields to remove, each as one argument behind those
-- ARGV[11] rest: where nine more stand, behind the lists that come from here; empty for most writes, which need none:
--   status the run is released to, or empty; output or error as payload bytes, or empty; milliseconds until it is due, or
--   empty for never; how many messages are in the events; how many checkpoints to keep this snapshot as; bytes of the
--   whole snapshot, for those; all fields packed, in place of whatever there was, or empty; of waiting, parked or retry, of
--   an end whose children are to be cancelled, cancelPending, or empty; lines, addresses of blobs that this write refers
--   to. Behind the nine: ids of the messages; label, node, metadata of each checkpoint; to wait, waits as JSON, lines of
--   indexes, lines of wanted messages, milliseconds until somebody looks or empty, 1 if the handler may go on
-- Returns {'committed', seq, version} | {'fenced', fence, applied 0|1} | {'conflict', seq}
--   | {'unread'} | {'unread', 'asked'}
--   | {'missing'} | {'damaged'} | {'swept'}: a blob is garbage by now
-- Keeps: seq is dense; only the owner writes; a commit is stored once however often it is sent; the snapshot is never
--   ahead of the log; what a checkpoint holds is copied before it is overwritten; plain and packed never mix; a run does
--   not sleep over a message that it wants.
local run, events, snapshot = KEYS[1], KEYS[2], KEYS[3]
local id, fence, owner, token, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[6]
local expected, count, schema = tonumber(ARGV[5]), tonumber(ARGV[7]), ARGV[8]
local rest = tonumber(ARGV[11]) or #ARGV + 1
local status, result, delay = ARGV[rest] or '', ARGV[rest + 1], ARGV[rest + 2]
local marks, size, full = tonumber(ARGV[rest + 4] or 0), ARGV[rest + 5], ARGV[rest + 6] or ''
local taken, how, blobs = tonumber(ARGV[rest + 3] or 0), ARGV[rest + 7] or '', ARGV[rest + 8] or ''
local ended = status == 'completed' or status == 'failed' or status == 'cancelled'
-- Keys that few commits need are built from the base, so that the others need not send them.
local inbox = base .. 'inbox:' .. id

-- include parts/inbox.lua
-- include parts/questions.lua
-- include parts/save.lua
-- include parts/blobs.lua
-- include parts/told-end.lua

local m = redis.call('HMGET', run, 'fence', 'owner', 'seq', 'token', 'bytes', 'version', 'paused', 'parent', 'checkpointVersion',
  'unmanaged', 'worker', 'createdAt', 'onEnd', 'changedAt')
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
local entries, absent = findMessages(inbox, rest + 9, taken)
if how == 'parked' then
  if redis.call('XLEN', inbox) > #entries then return {'unread'} end
  if isAsked(base .. 'questions:' .. id) then return {'unread', 'asked'} end
end
local anew, fields, was
if schema ~= '' then anew, fields, was = unpackSnapshot(snapshot, full) end
if anew == false then return {'damaged'} end
if not takeBlobs(base, id, blobs) then return {'swept'} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local seq, bytes, next = expected, tonumber(m[5]), 12
for i = 1, count do
  seq = seq + 1
  local data, branch = ARGV[next + 1], ARGV[next + 2]
  local entry = string.format('%.0f-', seq) .. fence
  -- The plus says: another event of this commit follows.
  redis.call('XADD', events, entry, i < count and 'type+' or 'type', ARGV[next], 'at', at, 'data', data,
    unpack(branch == '' and {} or {'branch', branch}))
  bytes, next = bytes + #data, next + 3
end
local version = m[6] or '0'
seq = string.format('%.0f', seq)
-- An unmanaged run stands in a list by the time of its change; after another save of this millisecond it is there already.
local moves = m[10] and m[14] ~= at
-- In one call: each takes Redis longer than a field does.
local changed = moves and {'changedAt', at} or {}
if schema == '' then
  redis.call('HSET', run, 'seq', seq, 'token', token, 'bytes', bytes, unpack(changed))
else
  version = string.format('%.0f', version + 1)
  redis.call('HSET', run, 'seq', seq, 'token', token, 'bytes', bytes, 'version', version, 'snapshotSeq', seq, unpack(changed))
  local about = {'version', version, 'seq', seq, 'at', at}
  local kept = base .. 'preserved:' .. id
  fields = saveSnapshot(snapshot, kept, m[9], anew, fields, about, schema, was, next, ARGV[9], ARGV[10])
  next = rest + 9 + taken
  for n = 0, marks - 1 do
    redis.call('XADD', base .. 'checkpoints:' .. id, version .. '-' .. n, 'seq', seq, 'schema', schema, 'at', at,
      'bytes', size, 'label', ARGV[next], 'node', ARGV[next + 1], 'metadata', ARGV[next + 2], 'count', fields)
    redis.call('HSET', run, 'checkpointVersion', version)
    next = next + 3
  end
end
for _, entry in ipairs(entries) do redis.call('XDEL', inbox, entry) end
-- A message that was forgotten here must not be taken for a new one when it comes again.
for _, message in ipairs(absent) do redis.call('SADD', base .. 'seen:' .. id, message) end
if status ~= '' then
  local field = status == 'completed' and 'output' or 'error'
  if result ~= '' then redis.call('HSET', base .. 'payload:' .. id, field, result) end
  redis.call('SREM', base .. 'held:' .. m[11], id)
  redis.call('HSET', run, 'status', status, 'changedAt', at)
  redis.call('HDEL', run, 'owner', 'worker', 'losses', 'proofs', 'furthest', 'lostWorker', 'lostReason', 'lostAt',
    'detectMs', 'claimMs')
  -- One that is handed back keeps its turn: whoever takes it goes on.
  if status ~= 'queued' or m[7] then redis.call('HDEL', run, 'turn') end
  redis.call('ZREM', base .. 'by-status:running', id)
  redis.call('ZADD', base .. 'by-status:' .. status, m[12], id)
  local dueAt = delay ~= '' and now + delay
  if ended then
    -- A run that is over is not to be resumed as if it had only been paused.
    redis.call('HDEL', run, 'paused', 'waits')
    local tells = m[8] or m[13]
    if tells or how == 'cancelPending' then
      -- Somebody is owed the news: due at once, and kept until it was told.
      redis.call('HSET', run, 'expiresAt', string.format('%.0f', dueAt))
      if tells then redis.call('HSET', run, 'notifyPending', '1') end
      if how == 'cancelPending' then redis.call('HSET', run, 'cancelPending', '1') end
      dueAt = now
    end
  elseif status == 'waiting' then
    next = rest + 9 + taken + 3 * marks
    local wanted, look = ARGV[next + 2], ARGV[next + 3]
    redis.call('HSET', run, 'waits', ARGV[next], 'waitsIn', ARGV[next + 1], 'wants', wanted)
    for index in string.gmatch(ARGV[next + 1], '[^\n]+') do
      redis.call('ZADD', base .. 'by-wait:' .. index, m[12], id)
    end
    if dueAt then redis.call('HSET', run, 'wakeAt', string.format('%.0f', dueAt)) end
    if look ~= '' then
      redis.call('HSET', run, 'pollMs', look)
      dueAt = math.min(dueAt or math.huge, now + look)
    end
    if ARGV[next + 4] ~= '' then
      redis.call('HSET', run, 'parkedBy', fence .. ' ' .. m[11])
      redis.call('SADD', base .. 'parked:' .. m[11], id)
      redis.call('SADD', base .. 'holders', m[11])
    end
    if holds(inbox, function(_, kind, name, key) return isWanted(wanted, kind, name, key) end) then
      redis.call('HSET', run, 'woken', at)
      dueAt = now
    end
  end
  if dueAt and (ended or not (m[7] or m[10])) then
    redis.call('ZADD', base .. 'due', string.format('%.0f', dueAt), id)
  end
end
if moves then redis.call('ZADD', base .. 'unmanaged', at, id) end
local open = status == 'waiting' or status == 'queued'
local said = ended and toldEnd(status, result, seq) or (status == '' and '+' or open and '~' or '') .. seq
redis.call('SPUBLISH', base .. 'changed:' .. id, said)
return {'committed', seq, version}
