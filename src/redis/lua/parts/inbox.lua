-- The inbox of a run: a stream whose entries begin with the id of their message. Messages leave it by their ids.

-- Looks for messages by their ids, which stand in ARGV; returns the entries that hold them, and the ids that no entry has.
local function findMessages(inbox, first, count)
  local wanted, entries, absent, after = {}, {}, {}, '-'
  for i = first, first + count - 1 do wanted[ARGV[i]] = true end
  local left = count
  while left > 0 do
    -- Nearly always they are the oldest ones.
    local page = redis.call('XRANGE', inbox, after, '+', 'COUNT', math.max(left, after == '-' and 0 or 100))
    if #page == 0 then break end
    for _, entry in ipairs(page) do
      if wanted[entry[2][2]] then
        entries[#entries + 1] = entry[1]
        wanted[entry[2][2]] = nil
        left = left - 1
      end
    end
    after = '(' .. page[#page][1]
  end
  for message in pairs(wanted) do absent[#absent + 1] = message end
  return entries, absent
end

-- Whether a message for which `fits` is true is in the inbox; it is given id, kind and name.
local function holds(inbox, fits)
  local after = '-'
  while true do
    local page = redis.call('XRANGE', inbox, after, '+', 'COUNT', 100)
    if #page == 0 then return false end
    for _, entry in ipairs(page) do
      if fits(entry[2][2], entry[2][4], entry[2][6]) then return true end
    end
    after = '(' .. page[#page][1]
  end
end

-- Whether a message is wanted: `wanted` holds lines of <kind>:<name>, or a star for all; nil of a run that an older pawl has
-- parked, which wants all.
local function isWanted(wanted, kind, name)
  if kind == 'cancel' then return true end
  local lines = '\n' .. (wanted or '*') .. '\n'
  local line = '\n' .. kind .. ':' .. name .. '\n'
  return string.find(lines, '\n*\n', 1, true) ~= nil or string.find(lines, line, 1, true) ~= nil
end
