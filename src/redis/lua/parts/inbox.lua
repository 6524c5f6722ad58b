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

-- Of a message: its key, the wait that it answers, each empty when it has none. They stand behind its payload.
local function aboutOf(fields)
  local key, wait = '', ''
  for i = 11, #fields, 2 do
    if fields[i] == 'key' then key = fields[i + 1] elseif fields[i] == 'wait' then wait = fields[i + 1] end
  end
  return key, wait
end

-- The id of a message for which `fits` is true, if one is in the inbox; it is given id, kind, name, key and wait.
local function holds(inbox, fits)
  local after = '-'
  while true do
    local page = redis.call('XRANGE', inbox, after, '+', 'COUNT', 100)
    if #page == 0 then return nil end
    for _, entry in ipairs(page) do
      local fields = entry[2]
      if fits(fields[2], fields[4], fields[6], aboutOf(fields)) then return fields[2] end
    end
    after = '(' .. page[#page][1]
  end
end

-- Whether a message is wanted: `wanted` holds lines of <kind>:<name>, of <kind>:<name>#<key>, or a star for all; nil of a
-- run that an older pawl has parked, which wants all.
local function isWanted(wanted, kind, name, key)
  if kind == 'cancel' then return true end
  local lines = '\n' .. (wanted or '*') .. '\n'
  for _, line in ipairs({'*', kind .. ':' .. name, kind .. ':' .. name .. '#' .. key}) do
    if string.find(lines, '\n' .. line .. '\n', 1, true) then return true end
  end
  return false
end
