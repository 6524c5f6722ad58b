#!lua
-- Makes a run of what was staged: its parts take their places, and it stands in every index.
-- Atomic because a run of which only some parts are in place would be claimed, or listed, or never found again.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] due: zset
-- KEYS[4] events: stream
-- KEYS[5] snapshot: hash
-- KEYS[6] inbox: stream
-- KEYS[7] seen: set of message ids
-- KEYS[8] checkpoints: stream
-- KEYS[9] preserved: hash, see commit
-- KEYS[10] events: as staged
-- KEYS[11] snapshot: as staged
-- KEYS[12] inbox: as staged
-- KEYS[13] seen: as staged
-- KEYS[14] checkpoints: as staged
-- KEYS[15] preserved: as staged
-- ARGV[1] id: run id
-- ARGV[2] token: random text of this import
-- ARGV[3] base: prefix of the shard's keys
-- ARGV[4] workflow: name
-- ARGV[5] status: of the run, not running
-- ARGV[6] createdAt: milliseconds since 1970
-- ARGV[7] changedAt: milliseconds since 1970
-- ARGV[8] tags: lines of key=value
-- ARGV[9] dueAt: milliseconds since 1970, or empty
-- ARGV[10] dueAfter: milliseconds until it is due, or empty; with both, whichever comes first
-- ARGV[11] keep: milliseconds until an ended run goes that owes something; empty for any other
-- ARGV[12] unmanaged: 1 for a run that is in no worker's hands, or empty
-- ARGV[13] events: that were staged
-- ARGV[14] checkpoints: that were staged
-- ARGV[15] messages: that were staged
-- ARGV[16] version: of the snapshot, empty for none
-- ARGV[17] seq: of the snapshot
-- ARGV[18] schema: of the snapshot
-- ARGV[19] at: of the snapshot, milliseconds since 1970
-- ARGV[20] shards: how many the caller knows of
-- ARGV[21] sure: 1 when the caller has just seen that the prefix has so many, or empty
-- ARGV[22] indexes: lines, of what it waits for
-- ARGV[23] parent: run id, or empty
-- ARGV[24] key: whose run it is, or empty
-- ARGV[25] blobs: lines, addresses that the run refers to
-- ARGV[26] fields: of the run that follow, as names and values in turn; those of the payload behind them
-- Returns {'restored'} | {'exists'} | {'incomplete'} | {'unsure'}: nothing is written
-- Keeps: a run that is there is not touched; a repeated call is answered as the first.
local run, payload, due = KEYS[1], KEYS[2], KEYS[3]
local places = {KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]}
local staged = {KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15]}
local id, token, base, workflow, status = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local createdAt, changedAt, tags, unmanaged = ARGV[6], ARGV[7], ARGV[8], ARGV[12] ~= ''

-- include parts/blobs.lua

local known = redis.call('HMGET', run, 'createToken', 'restoredBy')
if known[2] == token then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'restoredBy', token)
  return {'restored'}
end
if redis.call('GET', base .. 'shards') ~= ARGV[20] and ARGV[21] == '' then return {'unsure'} end
local function discard(outcome)
  for i = 1, 6 do redis.call('UNLINK', staged[i]) end
  return {outcome}
end
if known[1] then return discard('exists') end
local function isShort(key, count) return redis.call('XLEN', key) ~= tonumber(count) end
if isShort(KEYS[10], ARGV[13]) or isShort(KEYS[14], ARGV[14]) or isShort(KEYS[12], ARGV[15]) then
  return discard('incomplete')
end
if not takeBlobs(base, id, ARGV[25]) then return discard('incomplete') end

for i = 1, 6 do
  if redis.call('EXISTS', staged[i]) == 1 then
    redis.call('RENAME', staged[i], places[i])
    redis.call('PERSIST', places[i])
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[16] ~= '' then
  redis.call('HSET', KEYS[5], 'count', redis.call('HLEN', KEYS[5]), 'version', ARGV[16], 'seq', ARGV[17], 'schema', ARGV[18], 'at', ARGV[19])
end
redis.call('SET', base .. 'shards', ARGV[20])
redis.call('HSET', run, 'restoredBy', token, 'workflow', workflow, 'status', status, 'createdAt', createdAt,
  'changedAt', changedAt)
local behind = 27 + 2 * ARGV[26]
for i = 27, behind - 2, 2 do redis.call('HSET', run, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', payload, 'tags', tags)
for i = behind, #ARGV, 2 do redis.call('HSET', payload, ARGV[i], ARGV[i + 1]) end
local newest = redis.call('XREVRANGE', KEYS[8], '+', '-', 'COUNT', 1)[1]
if newest then redis.call('HSET', run, 'checkpointVersion', string.match(newest[1], '^%d+')) end
if ARGV[11] ~= '' then
  redis.call('HSET', run, 'expiresAt', string.format('%.0f', now + ARGV[11]))
end
if unmanaged then
  redis.call('HSET', run, 'unmanaged', '1')
  redis.call('ZADD', base .. 'unmanaged', changedAt, id)
end
local dueAt = math.min(tonumber(ARGV[9]) or math.huge, ARGV[10] ~= '' and now + ARGV[10] or math.huge)
if dueAt < math.huge then redis.call('ZADD', due, string.format('%.0f', dueAt), id) end
for index in string.gmatch(ARGV[22], '[^\n]+') do
  redis.call('ZADD', base .. 'by-wait:' .. index, createdAt, id)
end
if ARGV[23] ~= '' then redis.call('ZADD', base .. 'by-parent:' .. ARGV[23], createdAt, id) end
redis.call('ZADD', base .. 'runs', createdAt, id)
redis.call('ZADD', base .. 'ids', 0, id)
redis.call('ZADD', base .. 'by-status:' .. status, createdAt, id)
redis.call('ZADD', base .. 'by-workflow:' .. workflow, createdAt, id)
if ARGV[24] ~= '' then redis.call('ZADD', base .. 'by-key:' .. ARGV[24], createdAt, id) end
for tag in string.gmatch(tags, '[^\n]+') do redis.call('ZADD', base .. 'by-tag:' .. tag, createdAt, id) end
redis.call('SPUBLISH', base .. 'changed:' .. id, '0')
return {'restored'}
