#!lua
-- Notes that blobs are about to be put for a run: from now on somebody knows of them, whatever dies.
-- Atomic because they get one time, that of Redis.
-- KEYS[1] pending: zset of addresses with their runs, by the time of the note
-- ARGV[1] id: run id
-- ARGV[2] address: of each, from here
-- Returns {'noted'}
-- Keeps: an address is noted before anything lies under it.
local pending, id = KEYS[1], ARGV[1]

local time = redis.call('TIME')
local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
for i = 2, #ARGV do redis.call('ZADD', pending, at, ARGV[i] .. ' ' .. id) end
return {'noted'}
