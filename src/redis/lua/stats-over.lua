#!lua flags=no-writes
-- Counts the runs of a shard that were created in each of several stretches of time, by the status that they have now.
-- Atomic because a run that changes its status between two counts would be counted twice, or not at all.
-- KEYS[1] runs: zset, every run to its creation
-- ARGV[1] base: prefix of the shard's keys
-- ARGV[2] statuses: those to count, with commas in between
-- ARGV[3] bound: the begin of the first stretch, milliseconds; the end of each, all others follow from here
-- Returns {runs of each status in the first stretch …, in the second …}
-- Keeps: nothing is written. The cost is that of the stretches, however many runs there are.
local runs, base = KEYS[1], ARGV[1]
local reply = {}
for i = 3, #ARGV - 1 do
  local from, to = ARGV[i], '(' .. ARGV[i + 1]
  local some = redis.call('ZCOUNT', runs, from, to) > 0
  for status in string.gmatch(ARGV[2], '[^,]+') do
    reply[#reply + 1] = some and redis.call('ZCOUNT', base .. 'by-status:' .. status, from, to) or 0
  end
end
return reply
