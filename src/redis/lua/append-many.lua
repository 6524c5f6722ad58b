#!lua
-- Appends events to several runs, as append does to one: each by itself.
-- Atomic because the check of a fence and the write behind it must not be separated.
-- KEYS[1] run: hash
-- KEYS[2] events: stream; the keys of further runs follow, two each
-- ARGV[1] appends: one for each run, packed: the bytes its events take (4 bytes), fence, owner, token of this commit,
--   expectedSeq, channel that tells of changes, how many events (2 bytes); then type, payload and branch (or empty) of each
--   event. Texts stand behind their length (4 bytes). A plus in what is told says: nothing but the log has changed.
-- Returns one of these for each run: version | {'fenced', fence, applied 0|1} | {'conflict', seq} | {'missing'}
--   | {'error', text}
-- Keeps: seq is dense; only the owner writes; a commit is stored once however often it is sent; what is wrong with one run
--   changes nothing for the others of the call.
local at
local unpack, packed, next = struct.unpack, ARGV[1], 1

local function append(run, events, fence, owner, token, expected, channel, count)
  local m = redis.call('HMGET', run, 'fence', 'owner', 'seq', 'token', 'bytes', 'version')
  local version = m[6] or '0'
  if m[4] == token then return version end
  if not m[1] then return {'missing'} end
  if m[1] ~= fence or m[2] ~= owner then
    local own = string.format('%.0f-', expected + 1) .. fence
    return {'fenced', m[1], count > 0 and #redis.call('XRANGE', events, own, own) or 0}
  end
  if m[3] ~= expected then return {'conflict', m[3]} end

  if not at then
    local time = redis.call('TIME')
    -- Milliseconds by cutting digits: cheaper than arithmetic, which needs formatting afterwards.
    at = time[1] .. string.sub(time[2] + 1000000, 2, 4)
  end
  local seq, bytes = expected, m[5]
  for i = 1, count do
    seq = string.format('%.0f', seq + 1)
    local kind, data, branch
    kind, data, branch, next = unpack('>I4c0I4c0I4c0', packed, next)
    -- The plus says: another event of this commit follows.
    local name = i < count and 'type+' or 'type'
    if branch == '' then
      redis.call('XADD', events, seq .. '-' .. fence, name, kind, 'at', at, 'data', data)
    else
      redis.call('XADD', events, seq .. '-' .. fence, name, kind, 'at', at, 'data', data, 'branch', branch)
    end
    bytes = bytes + #data
  end
  redis.call('HSET', run, 'seq', seq, 'token', token, 'bytes', string.format('%.0f', bytes))
  redis.call('SPUBLISH', channel, '+' .. seq)
  return version
end

local replies = {}
for i = 1, #KEYS, 2 do
  local size, fence, owner, token, expected, channel, count
  size, fence, owner, token, expected, channel, count, next =
    unpack('>I4I4c0I4c0I4c0I4c0I4c0I2', packed, next)
  local following = next + size
  local ok, reply = pcall(append, KEYS[i], KEYS[i + 1], fence, owner, token, expected, channel, count)
  if not ok then reply = {'error', type(reply) == 'table' and reply.err or tostring(reply)} end
  replies[#replies + 1] = reply
  -- An append that was refused has left its events unread.
  next = following
end
return replies
