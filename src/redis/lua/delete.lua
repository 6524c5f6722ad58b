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
-- KEYS[9] kept: hash
-- ARGV[1] id: run id
-- ARGV[2] base: prefix of the shard's keys
-- ARGV[3] status: the run must have, or empty for any
-- ARGV[4] fence: and this one
-- ARGV[5] seq: and this one
-- Returns {'deleted'} | {'missing'} | {'active', worker} | {'changed'} | {'untold'}
-- Keeps: a run that a worker holds is not touched; nor, when asked so, one that owes its parent the news.
local run, payload, events, snapshot, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, base = ARGV[1], ARGV[2]

local m = redis.call('HMGET', run, 'status', 'worker', 'workflow', 'fence', 'seq', 'untold')
if not m[1] then return {'missing'} end
if m[1] == 'running' then return {'active', m[2]} end
if ARGV[3] ~= '' then
  if m[1] ~= ARGV[3] or m[4] ~= ARGV[4] or m[5] ~= ARGV[5] then return {'changed'} end
  if m[6] then return {'untold'} end
end

local tags = redis.call('HGET', payload, 'tags') or ''
redis.call('ZREM', due, id)
redis.call('ZREM', base .. 'runs', id)
redis.call('ZREM', base .. 'loose', id)
redis.call('ZREM', base .. 'by-status:' .. m[1], id)
redis.call('ZREM', base .. 'by-workflow:' .. m[3], id)
for tag in string.gmatch(tags, '[^\n]+') do redis.call('ZREM', base .. 'by-tag:' .. tag, id) end
redis.call('UNLINK', run, payload, events, snapshot, KEYS[6], KEYS[7], KEYS[8], KEYS[9])
redis.call('SPUBLISH', base .. 'changed:' .. id, '0')
return {'deleted'}
