#!lua flags=no-writes
-- Finds the next runs of a list in one shard, newest first, by the indexes alone.
-- Atomic because a run whose status changes between two looks would be found in neither index, and left out.
-- KEYS[1] order: zset, run id to the time the list is ordered by
-- KEYS[2] runs: zset, every run to its creation
-- KEYS[3] ids: zset, every run to 0, which makes it an index of the first letters of ids
-- KEYS[4] held: set of a worker's runs
-- KEYS[5] indexes: zsets a run must be in, from here; those of one group are alternatives
-- ARGV[1] limit: runs to find
-- ARGV[2] reads: entries looked at, at most
-- ARGV[3] few: so many candidates are sorted rather than looked for
-- ARGV[4] score: the list goes on behind this place, or empty
-- ARGV[5] id: of that place
-- ARGV[6] since: least score, or empty
-- ARGV[7] until: scores are below it, or empty
-- ARGV[8] prefix: of the ids, or empty
-- ARGV[9] worker: 1 when only its runs are wanted, or empty
-- ARGV[10] groups: a digit for each index, which is its group
-- Returns {1 when nothing follows | 0, id and score of the place up to which all was looked at, id and score
--   of each run found}
-- Keeps: what is found is all there is between the place it went on from and the place it came to.
local order, runs, ids, held = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local limit, looks, few = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local score, id, since, until_ = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local prefix, worker = ARGV[8], ARGV[9] ~= ''

local groups = {}
for i = 5, #KEYS do
  local g = tonumber(string.sub(ARGV[10], i - 4, i - 4))
  groups[g] = groups[g] or {}
  table.insert(groups[g], KEYS[i])
end

local function newestFirst(a, b)
  return a.score > b.score or (a.score == b.score and a.id > b.id)
end

-- Marks those of some entries that fit; known is a condition they meet already.
local function check(entries, known)
  local names, isHeld = {}, nil
  for i, entry in ipairs(entries) do names[i] = entry.id end
  if #names == 0 then return end
  if worker and known ~= held then isHeld = redis.call('SMISMEMBER', held, unpack(names)) end
  for i, entry in ipairs(entries) do
    entry.fits = string.sub(entry.id, 1, #prefix) == prefix and (not isHeld or isHeld[i] == 1)
  end
  for _, group in ipairs(groups) do
    local is = {}
    for _, key in ipairs(group ~= known and group or {}) do
      for i, found in ipairs(redis.call('ZMSCORE', key, unpack(names))) do is[i] = is[i] or found end
    end
    for i, entry in ipairs(entries) do entry.fits = entry.fits and (group == known or is[i]) end
  end
end

-- The part of an index that is still to come, as ranks from its end.
local function rest(key)
  local from = until_ == '' and 0 or redis.call('ZCOUNT', key, until_, '+inf')
  local to = since == '' and redis.call('ZCARD', key) or redis.call('ZCOUNT', key, since, '+inf')
  if score ~= '' then
    -- Of those with the very score of the place, the lesser ids are still to come.
    local low, high = redis.call('ZCOUNT', key, '(' .. score, '+inf'), redis.call('ZCOUNT', key, score, '+inf')
    while low < high do
      local middle = math.floor((low + high) / 2)
      if redis.call('ZRANGE', key, middle, middle, 'REV')[1] < id then high = middle else low = middle + 1 end
    end
    from = math.max(from, low)
  end
  return {key = key, at = from, stop = math.max(from, to)}
end

-- The walk is along the index with the least still to come. A shard with runs that an older pawl has made lacks ids, and
-- has by-status in another order: there only the order itself is walked, and the others are looked up.
local isWhole = redis.call('ZCARD', ids) == redis.call('ZCARD', runs)
local walk, walked = {rest(order)}, nil
local length = walk[1].stop - walk[1].at
for _, group in ipairs(isWhole and order == runs and groups or {}) do
  local parts, sum = {}, 0
  for i, key in ipairs(group) do
    parts[i] = rest(key)
    sum = sum + parts[i].stop - parts[i].at
  end
  if sum < length then walk, walked, length = parts, group, sum end
end

local candidates
if worker and redis.call('SCARD', held) <= math.min(few, length) then candidates = held end
if not candidates and prefix ~= '' and isWhole then
  local count = redis.call('ZLEXCOUNT', ids, '[' .. prefix, '(' .. prefix .. '\255')
  if count <= math.min(few, length) then candidates = ids end
end

local reply, last, looked, isFull = {1, '', ''}, nil, 0, false
local function take(entries, known)
  check(entries, known)
  for _, entry in ipairs(entries) do
    if entry.part then entry.part.at = entry.part.at + 1 end
    looked, last = looked + 1, entry
    if entry.fits then
      table.insert(reply, entry.id)
      table.insert(reply, string.format('%.0f', entry.score))
    end
    isFull = #reply == 3 + 2 * limit
    if isFull then return end
  end
end

if candidates then
  local names = candidates == held and redis.call('SMEMBERS', held)
    or redis.call('ZRANGE', ids, '[' .. prefix, '(' .. prefix .. '\255', 'BYLEX')
  local scores = #names > 0 and redis.call('ZMSCORE', order, unpack(names)) or {}
  local entries, place = {}, {score = tonumber(score), id = id}
  for i, name in ipairs(names) do
    local entry = {id = name, score = tonumber(scores[i])}
    if scores[i] and (score == '' or newestFirst(place, entry))
      and (since == '' or entry.score >= tonumber(since))
      and (until_ == '' or entry.score < tonumber(until_)) then entries[#entries + 1] = entry end
  end
  table.sort(entries, newestFirst)
  take(entries, candidates)
  length = isFull and looked + 1 or looked
else
  local step = math.min(looks, math.max(limit, 100))
  while not isFull and looked < math.min(length, looks) do
    local entries = {}
    for _, part in ipairs(walk) do
      local to = math.min(part.at + step, part.stop) - 1
      local flat = part.at <= to and redis.call('ZRANGE', part.key, part.at, to, 'REV', 'WITHSCORES') or {}
      for i = 1, #flat, 2 do
        entries[#entries + 1] = {id = flat[i], score = tonumber(flat[i + 1]), part = part}
      end
    end
    if #walk > 1 then table.sort(entries, newestFirst) end
    for i = #entries, step + 1, -1 do entries[i] = nil end
    take(entries, walked)
  end
end
if looked < length then reply[1], reply[2], reply[3] = 0, last.id, string.format('%.0f', last.score) end
return reply
