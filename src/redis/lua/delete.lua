#!lua flags=allow-oom
-- Removes a run and every trace of it; when asked so, only if it has not changed.
-- Atomic because a run that is half gone would replay an old result under a reused id.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] snapshot: hash
-- KEYS[5] due: zset
-- KEYS[6] inbox: stream
-- KEYS[7] seen: set of message ids
-- KEYS[8] checkpoints: stream
-- KEYS[9] preserved: hash
-- KEYS[10] deleted: stream
-- KEYS[11] chunks: stream
-- ARGV[1] id: run id
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] data: payload bytes, who asks and why, to keep the deletion; or empty
-- ARGV[4] keep: so many deletions, about
-- ARGV[5] status: the run must have, or empty for any
-- ARGV[6] fence: and this one
-- ARGV[7] seq: and this one, or empty for any
-- Returns {'deleted'} | {'deleted', workflow, key, birth} | {'missing'}
--   | {'active', worker} | {'changed'} | {'notifyPending'}
-- Keeps: a run that a worker holds is not touched; nor, when asked so, one that owes somebody the news.
local run, payload, events, snapshot, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, base = ARGV[1], ARGV[2]

-- include parts/leaving.lua
-- include parts/langgraph.lua

local m = redis.call('HMGET', run, 'status', 'worker', 'workflow', 'fence', 'seq', 'notifyPending', 'cancelPending', 'waitsIn',
  'parkedBy', 'key', 'createToken', 'parent')
if not m[1] then return {'missing'} end
if m[1] == 'running' then return {'active', m[2]} end
if ARGV[5] ~= '' then
  if m[1] ~= ARGV[5] or m[4] ~= ARGV[6] or (ARGV[7] ~= '' and m[5] ~= ARGV[7]) then return {'changed'} end
  if m[6] or m[7] then return {'notifyPending'} end
end

local tags = redis.pcall('HGET', payload, 'tags')
-- A damaged run can be deleted as well.
if type(tags) ~= 'string' then tags = '' end
redis.call('ZREM', due, id)
redis.call('ZREM', base .. 'runs', id)
redis.call('ZREM', base .. 'ids', id)
redis.call('ZREM', base .. 'unmanaged', id)
redis.call('ZREM', base .. 'by-status:' .. m[1], id)
redis.call('ZREM', base .. 'by-workflow:' .. m[3], id)
if m[10] then redis.call('ZREM', base .. 'by-key:' .. m[10], id) end
for tag in string.gmatch(tags, '[^\n]+') do redis.call('ZREM', base .. 'by-tag:' .. tag, id) end
for index in string.gmatch(m[8] or '', '[^\n]+') do redis.call('ZREM', base .. 'by-wait:' .. index, id) end
if m[12] then redis.call('ZREM', base .. 'by-parent:' .. m[12], id) end
if m[9] then redis.call('SREM', base .. 'parked:' .. string.match(m[9], ' (.*)$'), id) end
leaveThread(base, id)
leaveBlobs(base, id)
redis.call('UNLINK', run, payload, events, snapshot, KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[11], base .. 'questions:' .. id)
if ARGV[3] ~= '' then
  redis.call('XADD', KEYS[10], 'MAXLEN', '~', ARGV[4], '*', 'id', id, 'workflow', m[3], 'data', ARGV[3])
end
redis.call('SPUBLISH', base .. 'changed:' .. id, '0')
return {'deleted', unpack(m[10] and {m[3], m[10], m[11]} or {})}
