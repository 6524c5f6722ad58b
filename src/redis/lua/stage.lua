#!lua
-- Puts parts of a run aside, from which restore makes it: no reader of runs looks there.
-- Atomic because a save is preserved field by field, and half of one would be a state that never was.
-- KEYS[1] events: stream
-- KEYS[2] snapshot: hash, as of the newest save
-- KEYS[3] inbox: stream
-- KEYS[4] seen: set of message ids
-- KEYS[5] checkpoints: stream, entry id <version>-<n>
-- KEYS[6] preserved: hash, <version>:<field> → what that field was in the checkpoints of that version: = and its
--   bytes, or empty when it was absent
-- ARGV[1] keep: milliseconds until all is dropped, unless more comes
-- ARGV[2] events: how many, each as seven arguments from ARGV[6]: seq, fence, type, at, payload bytes, branch or
--   empty, 1 when another event of its commit follows or empty
-- ARGV[3] saves: behind them, each: checkpoint or empty, seq, schema, at, bytes, label, node, metadata, number of fields
--   set, number of fields removed; the set ones with names and bytes in turn, then the removed ones
-- ARGV[4] messages: behind them, each: place from 1, id, kind, name, at, payload bytes, and key, wait, actor or empty
-- ARGV[5] seen: behind them, each: message id
-- Returns {'staged'}
-- Keeps: a repeated call changes nothing; what nobody goes on with is dropped by Redis.
local events, snapshot, inbox, seen = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local checkpoints, preserved = KEYS[5], KEYS[6]
local next = 6

local function newest(stream)
  local entry = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  return entry and entry[1]
end
local function head(id) return tonumber(string.match(id or '0', '^%d+')) end
local function tail(id) return tonumber(string.match(id or '-0', '%-(%d+)$')) end

local last = head(newest(events))
for _ = 1, ARGV[2] do
  if tonumber(ARGV[next]) > last then
    local branch, more = ARGV[next + 5], ARGV[next + 6]
    redis.call('XADD', events, ARGV[next] .. '-' .. ARGV[next + 1], more == '' and 'type' or 'type+', ARGV[next + 2],
      'at', ARGV[next + 3], 'data', ARGV[next + 4], unpack(branch == '' and {} or {'branch', branch}))
  end
  next = next + 7
end

for _ = 1, ARGV[3] do
  local id, before = ARGV[next], newest(checkpoints)
  local version, fields, removed = head(before), ARGV[next + 8], ARGV[next + 9]
  local known = before and id ~= ''
    and (head(id) < version or (head(id) == version and tail(id) <= tail(before)))
  local first = next + 10
  local function preserve(field)
    if not before then return end
    local old = redis.call('HGET', snapshot, field)
    redis.call('HSETNX', preserved, string.format('%.0f:', version) .. field, old and '=' .. old or '')
  end
  if not known then
    for i = first, first + 2 * fields - 2, 2 do
      preserve(ARGV[i])
      redis.call('HSET', snapshot, ARGV[i], ARGV[i + 1])
    end
    for i = first + 2 * fields, first + 2 * fields + removed - 1 do
      preserve(ARGV[i])
      redis.call('HDEL', snapshot, ARGV[i])
    end
    if id ~= '' then
      redis.call('XADD', checkpoints, id, 'seq', ARGV[next + 1], 'schema', ARGV[next + 2], 'at', ARGV[next + 3],
        'bytes', ARGV[next + 4], 'label', ARGV[next + 5], 'node', ARGV[next + 6], 'metadata', ARGV[next + 7],
        'count', redis.call('HLEN', snapshot))
    end
  end
  next = first + 2 * fields + removed
end

last = head(newest(inbox))
for _ = 1, ARGV[4] do
  if tonumber(ARGV[next]) > last then
    local about = {}
    for i, field in ipairs({'key', 'wait', 'actor'}) do
      if ARGV[next + 5 + i] ~= '' then about[#about + 1], about[#about + 2] = field, ARGV[next + 5 + i] end
    end
    redis.call('XADD', inbox, ARGV[next] .. '-0', 'id', ARGV[next + 1], 'kind', ARGV[next + 2],
      'name', ARGV[next + 3], 'at', ARGV[next + 4], 'data', ARGV[next + 5], unpack(about))
    redis.call('SADD', seen, ARGV[next + 1])
  end
  next = next + 9
end
for i = next, #ARGV do redis.call('SADD', seen, ARGV[i]) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[1]) end
return {'staged'}
