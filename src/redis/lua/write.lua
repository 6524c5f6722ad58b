#!lua
-- Adds chunks to the output of a run, and drops the oldest ones where there are too many.
-- Atomic because the check of the fence and the write behind it must not be separated.
-- KEYS[1] run: hash
-- KEYS[2] chunks: stream, entry id <number>-<fence>
-- ARGV[1] fence: the caller's
-- ARGV[2] owner: token of the caller's claim
-- ARGV[3] token: random text of this write
-- ARGV[4] last: number of the newest chunk that the caller knows
-- ARGV[5] channel: on which new chunks are announced
-- ARGV[6] keepBytes: payload bytes that are kept
-- ARGV[7] keep: milliseconds for which chunks are kept, or empty
-- ARGV[8] drop: chunks dropped at most
-- ARGV[9] output of the first chunk; outputs, steps, epochs and payload bytes alternate from here
-- Returns {'written', last} | {'fenced', fence} | {'conflict', last} | {'missing'}
-- Keeps: numbers are dense and only grow; only the owner writes; a write is stored once however often it is sent; the
--   newest chunk stays.
local run, chunks, channel = KEYS[1], KEYS[2], ARGV[5]
local fence, owner, token, last = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local keepBytes, keep, drop = tonumber(ARGV[6]), ARGV[7], ARGV[8]

local m = redis.call('HMGET', run, 'fence', 'owner', 'chunks', 'chunkToken', 'chunkBytes')
if not m[1] then return {'missing'} end
local known = m[3] or '0'
if m[4] == token then
  -- A repetition writes too: WAIT counts from the last write of its connection.
  redis.call('HSET', run, 'chunkToken', token)
  return {'written', known}
end
if m[1] ~= fence or m[2] ~= owner then return {'fenced', m[1]} end
if known ~= last then return {'conflict', known} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
local number, bytes = tonumber(last), tonumber(m[5] or '0')
for i = 9, #ARGV, 4 do
  number = number + 1
  redis.call('XADD', chunks, string.format('%.0f-', number) .. fence, 'output', ARGV[i], 'step', ARGV[i + 1],
    'epoch', ARGV[i + 2], 'at', at, 'data', ARGV[i + 3])
  bytes = bytes + #ARGV[i + 3]
end

local oldest = keep ~= '' and now - keep or 0
local isOver = bytes > keepBytes
if not isOver and oldest > 0 then
  isOver = tonumber(redis.call('XRANGE', chunks, '-', '+', 'COUNT', 1)[1][2][8]) < oldest
end
local from
if isOver then
  for _, entry in ipairs(redis.call('XRANGE', chunks, '-', '+', 'COUNT', drop)) do
    local at, data = tonumber(entry[2][8]), entry[2][10]
    local own = tonumber(string.match(entry[1], '^%d+'))
    if own == number or not (bytes > keepBytes or at < oldest) then break end
    bytes, from = bytes - #data, own + 1
  end
end
if from then redis.call('XTRIM', chunks, 'MINID', '=', string.format('%.0f', from)) end
number = string.format('%.0f', number)
redis.call('HSET', run, 'chunks', number, 'chunkToken', token, 'chunkBytes', string.format('%.0f', bytes))
redis.call('SPUBLISH', channel, number)
return {'written', number}
