#!lua
-- Makes a run: its record, its first event, its place in the indexes and in the due index.
-- Atomic because a run that is in no index, or not due, would never be found again.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] due: zset
-- KEYS[5] snapshot: hash
-- ARGV[1] id: run id
-- ARGV[2] token: random text of this call
-- ARGV[3] workflow: name
-- ARGV[4] input: payload bytes
-- ARGV[5] tags: lines of key=value
-- ARGV[6] data: payload bytes of the run.created event
-- ARGV[7] resend: milliseconds until the wake-up is sent again
-- ARGV[8] base: prefix of the shard's keys
-- ARGV[9] parent: run id, or empty
-- ARGV[10] delay: milliseconds before it is due, 0 for none
-- ARGV[11] priority: 0 before all others
-- ARGV[12] deadline: milliseconds the run may take, or empty
-- ARGV[13] unmanaged: 1 for a run that is never due and in no worker's hands, or empty
-- ARGV[14] schema: of the snapshot a fork begins with; empty for none
-- ARGV[15] version: of the code that wrote all this, or 0
-- ARGV[16] shards: how many the caller knows of
-- ARGV[17] sure: 1 when the caller has just seen that the prefix has so many, or empty
-- ARGV[18] onEnd: 1 when the workflow has a hook for the end, or empty
-- ARGV[19] attachedTo: birth of the parent that it is not to begin without, or empty
-- ARGV[20] key: the run takes turns with others of this key; or empty
-- ARGV[21] blobs: lines, addresses that this write refers to
-- ARGV[22] worker: that claims the run in the same step, or empty. So it is only for a managed run without delay, key and
--   snapshot
-- ARGV[23] owner: random text of the claim, or empty
-- ARGV[24] claimVersion: version of the code that claims, or empty
-- ARGV[25] claimData: payload bytes of the run.claimed event, or empty
-- ARGV[26] name of the snapshot's first field; names and payload bytes alternate from here
-- Returns {'made', now in ms} | {'claimed', now in ms, fence} | {'created' | 'exists', run fields, payload fields} | {'unsure'}: nothing is written
--   | {'swept'}: a blob is garbage by now, and nothing is written
-- Keeps: a run has one workflow and one input, for ever; a repeated call is answered as the first; all runs of a prefix
--   are made with one number of shards, also when somebody has emptied Redis meanwhile.
local run, payload, events, due, snapshot = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, token, workflow, input, tags, data = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local resend, base, parent = tonumber(ARGV[7]), ARGV[8], ARGV[9]
local delay, priority, unmanaged = tonumber(ARGV[10]), ARGV[11], ARGV[13] ~= ''

-- include parts/blobs.lua

local known = redis.call('HGET', run, 'createToken')
if known then
  local claim = redis.call('HMGET', run, 'status', 'owner', 'seq', 'createdAt', 'fence')
  if known == token and ARGV[22] ~= '' and claim[1] == 'running' and claim[2] == ARGV[23] and claim[3] == '2' then
    redis.call('HSET', run, 'createToken', known)
    return {'claimed', claim[4], claim[5]}
  end
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'createToken', known)
  local outcome = known == token and 'created' or 'exists'
  return {outcome, redis.call('HGETALL', run), redis.call('HGETALL', payload)}
end

local shards = base .. 'shards'
local agrees = redis.call('GET', shards) == ARGV[16]
if not agrees and ARGV[17] == '' then return {'unsure'} end
if not takeBlobs(base, id, ARGV[21]) then return {'swept'} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)

redis.call('XADD', events, '1-0', 'type', 'run.created', 'at', at, 'data', data)
redis.call('HSET', payload, 'input', input, 'tags', tags)
if not agrees then redis.call('SET', shards, ARGV[16]) end
local worker = ARGV[22]
local isClaimed = worker ~= ''
local status = delay > 0 and 'waiting' or isClaimed and 'running' or 'queued'
local dueAt = string.format('%.0f', now + (delay > 0 and delay or resend))
if delay > 0 then
  local wait = string.format('[{"kind":"delay","name":"","until":%s,"since":%s}]', dueAt, at)
  redis.call('HSET', run, 'wakeAt', dueAt, 'waits', wait, 'waitsIn', 'delay', 'wants', '')
  redis.call('ZADD', base .. 'by-wait:delay', at, id)
end
if ARGV[12] ~= '' then redis.call('HSET', run, 'deadlineAt', string.format('%.0f', now + ARGV[12])) end
if parent ~= '' then
  redis.call('HSET', run, 'parent', parent)
  redis.call('ZADD', base .. 'by-parent:' .. parent, at, id)
end
if ARGV[19] ~= '' then redis.call('HSET', run, 'attachedTo', ARGV[19]) end
if ARGV[18] ~= '' then redis.call('HSET', run, 'onEnd', '1') end
if priority ~= '0' then redis.call('HSET', run, 'priority', priority) end
if ARGV[20] ~= '' then redis.call('HSET', run, 'key', ARGV[20]) end
if ARGV[15] ~= '0' then redis.call('HSET', run, 'wroteVersion', ARGV[15]) end
redis.call('HSET', run, 'workflow', workflow, 'status', status, 'fence', '0', 'seq', '1',
  'createToken', token, 'bytes', #data, 'createdAt', at, 'changedAt', at)
local fence = string.format('%.0f', time[1] * 1000000 + time[2])
if isClaimed then
  redis.call('XADD', events, '2-' .. fence, 'type', 'run.claimed', 'at', at, 'data', ARGV[25])
  redis.call('HSET', run, 'fence', fence, 'owner', ARGV[23], 'worker', worker, 'seq', '2', 'claimSeq', '2',
    'codeVersion', ARGV[24], 'wroteVersion', math.max(ARGV[15], ARGV[24]), 'bytes', #data + #ARGV[25])
  redis.call('SADD', base .. 'held:' .. worker, id)
  redis.call('SADD', base .. 'holders', worker)
end
if ARGV[14] ~= '' then
  redis.call('HSET', snapshot, 'version', '1', 'seq', '1', 'schema', ARGV[14], 'at', at, 'count', (#ARGV - 25) / 2)
  for i = 26, #ARGV, 2 do redis.call('HSET', snapshot, ARGV[i], ARGV[i + 1]) end
  redis.call('HSET', run, 'version', '1', 'snapshotSeq', '1')
end
if unmanaged then
  redis.call('HSET', run, 'unmanaged', '1')
  redis.call('ZADD', base .. 'unmanaged', at, id)
elseif not isClaimed then
  redis.call('ZADD', due, dueAt, id)
end
redis.call('ZADD', base .. 'runs', at, id)
redis.call('ZADD', base .. 'ids', 0, id)
redis.call('ZADD', base .. 'by-status:' .. status, at, id)
redis.call('ZADD', base .. 'by-workflow:' .. workflow, at, id)
if ARGV[20] ~= '' then redis.call('ZADD', base .. 'by-key:' .. ARGV[20], at, id) end
for tag in string.gmatch(tags, '[^\n]+') do
  redis.call('ZADD', base .. 'by-tag:' .. tag, at, id)
end
-- Its caller knows all that is in it, but the time.
if delay > 0 then return {'created', redis.call('HGETALL', run), redis.call('HGETALL', payload)} end
if isClaimed then return {'claimed', at, fence} end
return {'made', at}
