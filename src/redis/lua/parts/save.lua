-- Saves what changed of a snapshot. A snapshot is a hash: version, seq, schema and at, `count`, which is how many fields it
-- has beside these, and the fields. It is plain, or packed: one field `packed` instead of them, in which are how many they
-- are (4 bytes), then name and payload of each, behind their lengths (4 bytes).
--
-- Kept: hash, <version>:<field> → what that field was in the checkpoints of that version: = and its bytes, or empty when it
-- was absent. <version>:packed comes when all fields are replaced or unpacked: from then on that version has every field
-- there was, the others were absent in it, and nothing is added to it.

-- What the snapshot is made of anew, as names and values in turn: by a full save, or by one that changes a packed one; nil
-- when neither. Behind it, how many fields there are so far, and what the snapshot says of that and of its schema, if it
-- says both. Nothing is written. False when the packed one cannot be read.
local function unpackSnapshot(snapshot, full)
  if full ~= '' then return {'packed', full}, (struct.unpack('>I4', full)) end
  local had = redis.call('HMGET', snapshot, 'packed', 'count', 'schema', 'version')
  local packed = had[1]
  -- An older pawl has counted nothing: what is there now is what counts.
  if not packed then
    return nil, tonumber(had[2] or redis.call('HLEN', snapshot) - (had[4] and 4 or 0)), had[2] and had[3]
  end
  local anew, place = {}, 5
  local isRead = pcall(function()
    for i = 1, 2 * struct.unpack('>I4', packed) do anew[i], place = struct.unpack('>I4c0', packed, place) end
    assert(place == #packed + 1)
  end)
  if not isRead then return false end
  return anew, #anew / 2
end

-- `newest`: the version of the newest checkpoint, or nil. `count`: how many fields there are so far. `about`: what the snapshot
-- says of itself, without its schema and its count; `said`: the schema that it says already, beside the count, or nil.
-- `from`: where in ARGV the fields to set begin, `set` of them with names and payloads in turn; behind those the names of
-- `remove` more. Returns how many fields there are then.
local function saveSnapshot(snapshot, preserved, newest, anew, count, about, schema, said, from, set, remove)
  if newest and redis.call('HEXISTS', preserved, newest .. ':packed') == 1 then newest = nil end
  local function preserve(field)
    if not newest then return end
    local old = redis.call('HGET', snapshot, field)
    redis.call('HSETNX', preserved, newest .. ':' .. field, old and '=' .. old or '')
  end
  -- One call for many fields; Lua cannot unpack more than some thousand values.
  local function put(list, first, last)
    local added = 0
    for i = first, last, 1000 do
      added = added + redis.call('HSET', snapshot, unpack(list, i, math.min(i + 999, last)))
    end
    return added
  end
  if anew then
    redis.call('HDEL', snapshot, 'version', 'seq', 'schema', 'at', 'count')
    for _, field in ipairs(newest and redis.call('HKEYS', snapshot) or {}) do preserve(field) end
    preserve('packed')
    newest = nil
    redis.call('UNLINK', snapshot)
    put(anew, 1, #anew)
  end
  local behind, known = from + 2 * set, count
  for i = from, behind - 2, 2 do preserve(ARGV[i]) end
  -- What it says of itself travels with the last fields: each call takes Redis longer than a field does.
  local last = said and math.max(from, behind - 1000) or behind
  count = count + put(ARGV, from, last - 1)
  for i = behind, behind + remove - 1 do
    preserve(ARGV[i])
    count = count - redis.call('HDEL', snapshot, ARGV[i])
  end
  for i = last, behind - 1 do about[#about + 1] = ARGV[i] end
  if said ~= schema then about[#about + 1], about[#about + 2] = 'schema', schema end
  if not said then about[#about + 1], about[#about + 2] = 'count', string.format('%.0f', count) end
  local added = redis.call('HSET', snapshot, unpack(about))
  if said then count = count + added end
  if said and count ~= known then redis.call('HSET', snapshot, 'count', string.format('%.0f', count)) end
  return count
end
