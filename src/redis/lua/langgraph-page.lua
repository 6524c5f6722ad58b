#!lua flags=no-writes
-- Reads the next checkpoints of a thread of LangGraph, without values and writes: the newest of each namespace first.
-- Atomic because what stands in the order may be dropped before it is read.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] checkpoints: hash
-- KEYS[4] order: zset
-- ARGV[1] max: end of the range in the order, as ZREVRANGEBYLEX takes it
-- ARGV[2] min: start of it
-- ARGV[3] limit: checkpoints at most
-- Returns {birth or empty, seq, input or empty, members and stored checkpoints, alternating}
-- Keeps: nothing is written.
local m = redis.call('HMGET', KEYS[1], 'createToken', 'seq')
local page = {}
for _, member in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[4], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  page[#page + 1] = member
  page[#page + 1] = redis.call('HGET', KEYS[3], member) or ''
end
return {m[1] or '', m[2] or '0', redis.call('HGET', KEYS[2], 'input') or '', page}
