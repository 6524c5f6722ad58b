#!lua flags=allow-oom
-- Removes what is left of a run that has no record: nobody can read it, and its id could not be used again.
-- Atomic because the run may be made anew in this moment, and that one must stay.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] snapshot: hash
-- KEYS[5] inbox: stream
-- KEYS[6] seen: set of message ids
-- KEYS[7] checkpoints: stream
-- KEYS[8] preserved: hash
-- ARGV[1] repair: 1 to remove them, or empty to count only
-- ARGV[2] id: run id
-- ARGV[3] base: prefix of the shard's keys
-- Returns {keys}: how many there are, or were
-- Keeps: a run with a record is not touched.
local run, payload, events, snapshot = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inbox, seen, checkpoints, preserved = KEYS[5], KEYS[6], KEYS[7], KEYS[8]

-- include parts/leaving.lua

if redis.call('EXISTS', run) == 1 then return {0} end
local left = redis.call('EXISTS', payload, events, snapshot, inbox, seen, checkpoints, preserved)
if ARGV[1] ~= '' then
  leaveBlobs(ARGV[3], ARGV[2])
  redis.call('UNLINK', payload, events, snapshot, inbox, seen, checkpoints, preserved)
end
return {left}
