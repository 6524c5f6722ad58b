#!lua
-- Appends events: the commit of an owner that neither saves a snapshot nor lets go. The hot path.
-- Atomic because the check of the fence and the write behind it must not be separated.
-- KEYS[1] run: hash
-- KEYS[2] events: stream
-- ARGV[1] fence: the caller's
-- ARGV[2] owner: token of the caller's claim
-- ARGV[3] token: random text of this commit
-- ARGV[4] expectedSeq: seq of the newest event the caller knows
-- ARGV[5] channel: on which changes of the run are announced
-- ARGV[6] type of the first event; types, payload bytes and branches (or empty) alternate from here
-- Returns version | {'fenced', fence, applied 0|1} | {'conflict', seq} | {'missing'}
-- Keeps: seq is dense; only the owner writes; a commit is stored once however often it is sent.
local run, events, channel = KEYS[1], KEYS[2], ARGV[5]
local fence, owner, token, expected = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local m = redis.call('HMGET', run, 'fence', 'owner', 'seq', 'bytes', 'version')
local version = m[5] or '0'
if m[1] ~= fence or m[2] ~= owner or m[3] ~= expected then
  -- What comes again finds another seq: only then is its token asked for.
  if redis.call('HGET', run, 'token') == token then
    -- A repetition writes too: WAIT counts from the last write of its connection.
    redis.call('HSET', run, 'token', token)
    return version
  end
  if not m[1] then return {'missing'} end
  if m[1] == fence and m[2] == owner then return {'conflict', m[3]} end
  local own = string.format('%.0f-', expected + 1) .. fence
  return {'fenced', m[1], #ARGV > 5 and #redis.call('XRANGE', events, own, own) or 0}
end

local time = redis.call('TIME')
-- Milliseconds by cutting digits: cheaper than arithmetic, which needs formatting afterwards.
local at = time[1] .. string.sub(time[2] + 1000000, 2, 4)
local seq, bytes = expected, m[4]
for i = 6, #ARGV, 3 do
  seq = string.format('%.0f', seq + 1)
  local data, branch = ARGV[i + 1], ARGV[i + 2]
  -- The plus says: another event of this commit follows.
  local name = i + 3 <= #ARGV and 'type+' or 'type'
  if branch == '' then
    redis.call('XADD', events, seq .. '-' .. fence, name, ARGV[i], 'at', at, 'data', data)
  else
    redis.call('XADD', events, seq .. '-' .. fence, name, ARGV[i], 'at', at, 'data', data, 'branch', branch)
  end
  bytes = bytes + #data
end
redis.call('HSET', run, 'seq', seq, 'token', token, 'bytes', bytes)
-- The plus says: nothing but the log has changed.
redis.call('SPUBLISH', channel, '+' .. seq)
return version
