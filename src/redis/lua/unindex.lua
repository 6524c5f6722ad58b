#!lua
-- Takes a run out of an index by workflow, key, tag, parent or wait, or out of a worker's hands, where its record does not
--   agree.
-- Atomic because the record must not change between the look at it and the writing.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] index: zset, or set for held and parked
-- ARGV[1] id: run id
-- ARGV[2] kind: by-workflow, by-key, by-tag, by-parent, by-wait, held or parked
-- ARGV[3] name: of the workflow, of the key, of the worker, of the parent, of the wait, or key=value of the tag
-- ARGV[4] repair: 1 to take it out, or empty to tell only
-- Returns {'well'} | {'wrong'}: also when it was taken out
-- Keeps: an entry that the record backs stays where it is.
local run, payload, index = KEYS[1], KEYS[2], KEYS[3]
local id, kind, name, repair = ARGV[1], ARGV[2], ARGV[3], ARGV[4] ~= ''

local isSet = kind == 'held' or kind == 'parked'
local isThere = redis.call(isSet and 'SISMEMBER' or 'ZSCORE', index, id)
if not isThere or isThere == 0 then return {'well'} end
local m = redis.call('HMGET', run, 'status', 'workflow', 'worker', 'waitsIn', 'parkedBy', 'key', 'parent')
if kind == 'by-workflow' and m[2] == name then return {'well'} end
if kind == 'by-key' and m[6] == name then return {'well'} end
if kind == 'by-parent' and m[7] == name then return {'well'} end
if kind == 'held' and m[1] == 'running' and m[3] == name then return {'well'} end
if kind == 'by-tag' and m[1] then
  local tags = '\n' .. (redis.call('HGET', payload, 'tags') or '') .. '\n'
  if string.find(tags, '\n' .. name .. '\n', 1, true) then return {'well'} end
end
if kind == 'parked' and m[5] and string.match(m[5], ' (.*)$') == name then return {'well'} end
if kind == 'by-wait' and m[4] and string.find('\n' .. m[4] .. '\n', '\n' .. name .. '\n', 1, true) then
  return {'well'}
end
if repair then redis.call(isSet and 'SREM' or 'ZREM', index, id) end
return {'wrong'}
