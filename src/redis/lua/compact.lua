#!lua flags=allow-oom
-- Drops the oldest events of a run, as far as its snapshot covers them; packs the snapshot of one that is over.
-- Atomic because a record that says where its log begins must be right, also while the owner writes.
-- KEYS[1] run: hash
-- KEYS[2] events: stream
-- KEYS[3] snapshot: hash
-- ARGV[1] upTo: seq of the last event to drop, or empty for as many as may go
-- ARGV[2] limit: events dropped at most
-- Returns {'compacted', firstSeq, dropped, more 0|1} | {'missing'}
-- Keeps: a resume finds its snapshot and every event behind it; the newest event stays; the snapshot says what it said.
local run, events, snapshot = KEYS[1], KEYS[2], KEYS[3]
local limit = tonumber(ARGV[2])

local m = redis.call('HMGET', run, 'seq', 'firstSeq', 'bytes', 'status', 'checkpointVersion')
if not m[1] then return {'missing'} end
local covered = tonumber(redis.call('HGET', snapshot, 'seq') or '0')
local cut = math.min(covered, m[1] - 1)
if ARGV[1] ~= '' then cut = math.min(cut, ARGV[1]) end
local first, bytes = tonumber(m[2] or '1'), tonumber(m[3])
local last = math.min(cut, first + limit - 1)

-- In a hash each field takes some 60 bytes beside what it holds; in one value (see commit) eight. A run that is over is
-- hardly saved again. With checkpoints nothing is packed: they may read what they lack from the fields as they are.
local over = m[4] == 'completed' or m[4] == 'failed' or m[4] == 'cancelled'
local count = redis.call('HLEN', snapshot)
if over and not m[5] and count >= 13 and count <= 5000 then
  local parts, size = {}, 0
  local fields = redis.call('HGETALL', snapshot)
  for i = 1, #fields, 2 do
    local name, data = fields[i], fields[i + 1]
    if name ~= 'version' and name ~= 'seq' and name ~= 'schema' and name ~= 'at' and name ~= 'count' then
      parts[#parts + 1] = struct.pack('>I4c0I4c0', #name, name, #data, data)
      size = size + #data
    end
  end
  if size <= 1048576 then
    local meta = redis.call('HMGET', snapshot, 'version', 'seq', 'schema', 'at', 'count')
    redis.call('UNLINK', snapshot)
    redis.call('HSET', snapshot, 'version', meta[1], 'seq', meta[2], 'schema', meta[3], 'at', meta[4],
      'count', meta[5] or #parts, 'packed', struct.pack('>I4', #parts) .. table.concat(parts))
  end
end
if last < first then return {'compacted', string.format('%.0f', first), 0, 0} end

local dropped = redis.call('XRANGE', events, '-', string.format('%.0f', last))
for _, entry in ipairs(dropped) do
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'data' then bytes = bytes - #fields[i + 1] end
  end
end
-- An imported run may hold more than its record counted, sealed for one; a log does not hold less than nothing.
bytes = math.max(0, bytes)
local from = string.format('%.0f', last + 1)
redis.call('XTRIM', events, 'MINID', '=', from)
redis.call('HSET', run, 'firstSeq', from, 'bytes', string.format('%.0f', bytes))
return {'compacted', from, #dropped, cut > last and 1 or 0}
