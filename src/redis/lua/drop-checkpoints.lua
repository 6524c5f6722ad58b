#!lua flags=allow-oom
-- Drops checkpoints of a run, and what only they needed.
-- Atomic because a save in between would preserve for a checkpoint that is gone, or miss one that stays.
-- KEYS[1] run: hash
-- KEYS[2] checkpoints: stream, entry id <version>-<n>
-- KEYS[3] preserved: hash, <version>:<field> → what that field was in the checkpoints of that version: = and its
--   bytes, or empty when it was absent
-- ARGV[1] id of the first checkpoint to drop; more of them from here
-- Returns how many there were of them
-- Keeps: every checkpoint that stays holds what it held; what no checkpoint holds is not preserved.
local run, checkpoints, preserved = KEYS[1], KEYS[2], KEYS[3]

local count = 0
for i = 1, #ARGV do count = count + redis.call('XDEL', checkpoints, ARGV[i]) end
if count == 0 then return 0 end

local versions, stays = {}, {}
for _, entry in ipairs(redis.call('XRANGE', checkpoints, '-', '+')) do
  local version = tonumber(string.match(entry[1], '^%d+'))
  if not stays[version] then
    stays[version] = true
    versions[#versions + 1] = version
  end
end
if #versions == 0 then
  redis.call('UNLINK', checkpoints, preserved)
  redis.call('HDEL', run, 'checkpointVersion')
  return count
end
redis.call('HSET', run, 'checkpointVersion', string.format('%.0f', versions[#versions]))

-- What was preserved for a version that is gone: the checkpoint before it held the same, unless the field was
-- overwritten between the two; then that is preserved already. Of several, the oldest is what it was then. One that has
-- `packed` has every field (see commit) and takes no more, so `packed` goes last.
local orphans = {}
for _, name in ipairs(redis.call('HKEYS', preserved)) do
  local version, field = string.match(name, '^(%d+):(.*)$')
  version = tonumber(version)
  if not stays[version] then orphans[#orphans + 1] = {version, field, name} end
end
table.sort(orphans, function(a, b)
  if a[1] ~= b[1] then return a[1] < b[1] end
  return a[2] ~= 'packed' and b[2] == 'packed'
end)
for _, orphan in ipairs(orphans) do
  local before
  for _, version in ipairs(versions) do
    if version < orphan[1] then before = version end
  end
  local to = before and string.format('%.0f:', before)
  if to and redis.call('HEXISTS', preserved, to .. 'packed') == 0 then
    redis.call('HSETNX', preserved, to .. orphan[2], redis.call('HGET', preserved, orphan[3]))
  end
  redis.call('HDEL', preserved, orphan[3])
end
return count
