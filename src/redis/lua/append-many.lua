#!lua
-- Appends events to several runs, as append does to one: each by itself.
-- Atomic because the check of a fence and the write behind it must not be separated.
-- KEYS[1] base: prefix of the shard's keys; no key by itself, it says to which slot the call goes
-- ARGV[1] count: runs
-- ARGV[2] appends: one for each run, packed: the bytes its events take (4 bytes), id of the run, fence, owner, token of this
--   commit, expectedSeq, how many events (2 bytes); then type, payload and branch (or empty) of each event. Texts stand
--   behind their length (4 bytes). A plus in what is told says: nothing but the log has changed.
-- Returns one of these for each run: version | {'fenced', fence, applied 0|1} | {'conflict', seq} | {'missing'}
--   | {'error', text}
-- Keeps: seq is dense; only the owner writes; a commit is stored once however often it is sent; what is wrong with one run
--   changes nothing for the others of the call.
local at
local call, format, unpack = redis.call, string.format, struct.unpack
-- Keys are built here: Lua hashes every byte that it is given, and what a client sends comes to it twice.
local base, packed, next = KEYS[1], ARGV[2], 1

local function append(id, fence, owner, token, expected, count)
  local run, events = base .. 'run:' .. id, base .. 'events:' .. id
  local m = call('HMGET', run, 'fence', 'owner', 'seq', 'bytes', 'version')
  local version = m[5] or '0'
  if m[1] ~= fence or m[2] ~= owner or m[3] ~= expected then
    -- What comes again finds another seq: only then is its token asked for.
    if call('HGET', run, 'token') == token then return version end
    if not m[1] then return {'missing'} end
    if m[1] == fence and m[2] == owner then return {'conflict', m[3]} end
    local own = format('%.0f-', expected + 1) .. fence
    return {'fenced', m[1], count > 0 and #call('XRANGE', events, own, own) or 0}
  end

  if not at then
    local time = call('TIME')
    -- Milliseconds by cutting digits: cheaper than arithmetic, which needs formatting afterwards.
    at = time[1] .. string.sub(time[2] + 1000000, 2, 4)
  end
  local seq, bytes = expected, m[4]
  for i = 1, count do
    seq = format('%.0f', seq + 1)
    local kind, data, branch
    kind, data, branch, next = unpack('>I4c0I4c0I4c0', packed, next)
    -- The plus says: another event of this commit follows.
    local name = i < count and 'type+' or 'type'
    if branch == '' then
      call('XADD', events, seq .. '-' .. fence, name, kind, 'at', at, 'data', data)
    else
      call('XADD', events, seq .. '-' .. fence, name, kind, 'at', at, 'data', data, 'branch', branch)
    end
    bytes = bytes + #data
  end
  call('HSET', run, 'seq', seq, 'token', token, 'bytes', bytes)
  call('SPUBLISH', base .. 'changed:' .. id, '+' .. seq)
  return version
end

local replies = {}
for i = 1, tonumber(ARGV[1]) do
  local size, id, fence, owner, token, expected, count
  size, id, fence, owner, token, expected, count, next =
    unpack('>I4I4c0I4c0I4c0I4c0I4c0I2', packed, next)
  local following = next + size
  local ok, reply = pcall(append, id, fence, owner, token, expected, count)
  if not ok then reply = {'error', type(reply) == 'table' and reply.err or tostring(reply)} end
  replies[i] = reply
  -- An append that was refused has left its events unread.
  next = following
end
return replies
