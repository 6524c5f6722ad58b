#!lua flags=no-writes
-- Reads what workers say of themselves, and whether their processes were seen to be connected.
-- Atomic because a worker that leaves in between would seem to be there without a name.
-- KEYS[1] presence: hash, worker id to the server that saw its subscription
-- ARGV[1] base: prefix of the worker hashes
-- ARGV[2] worker: id of the first one; all others follow from here
-- Returns {{fields, present 0|1}, …} in the order asked for; without fields for one that has left
-- Keeps: nothing is written.
local presence, base = KEYS[1], ARGV[1]

local found = {}
for i = 2, #ARGV do
  found[#found + 1] = {redis.call('HGETALL', base .. ARGV[i]), redis.call('HEXISTS', presence, ARGV[i])}
end
return found
