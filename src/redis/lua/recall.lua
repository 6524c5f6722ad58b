#!lua flags=no-writes
-- Reads a checkpoint: the snapshot as it was when it was saved.
-- Atomic because a save between two reads would mix two versions of the state.
-- KEYS[1] snapshot: hash
-- KEYS[2] checkpoints: stream, entry id <version>-<n>
-- KEYS[3] preserved: hash, <version>:<field> → what that field was in the checkpoints of that version: = and its
--   bytes, or empty when it was absent; a version that has `packed` (see commit) has every field there was
-- ARGV[1] checkpoint: its id
-- Returns {'found', fields of the checkpoint's entry, snapshot fields} | {'missing'}
-- Keeps: what a checkpoint holds never changes: of all that was overwritten since, the oldest is what it was then.
local snapshot, checkpoints, preserved = KEYS[1], KEYS[2], KEYS[3]

local entry = redis.call('XRANGE', checkpoints, ARGV[1], ARGV[1])[1]
if not entry then return {'missing'} end
local version = tonumber(string.match(ARGV[1], '^%d+'))

local was, since, closed = {}, {}, math.huge
local entries = redis.call('HGETALL', preserved)
for i = 1, #entries, 2 do
  local at = tonumber(string.match(entries[i], '^(%d+):packed$'))
  if at and at >= version and at < closed then closed = at end
end
for i = 1, #entries, 2 do
  local at, field = string.match(entries[i], '^(%d+):(.*)$')
  at = tonumber(at)
  if at >= version and at <= closed and (not since[field] or at < since[field]) then
    since[field], was[field] = at, entries[i + 1]
  end
end
local fields = {}
-- Behind a closed version the snapshot was made anew, and tells nothing of what was.
local now = closed == math.huge and redis.call('HGETALL', snapshot) or {}
for i = 1, #now, 2 do
  if not since[now[i]] then
    fields[#fields + 1] = now[i]
    fields[#fields + 1] = now[i + 1]
  end
end
for field, value in pairs(was) do
  if value ~= '' then
    fields[#fields + 1] = field
    fields[#fields + 1] = string.sub(value, 2)
  end
end
return {'found', entry[2], fields}
