#!lua flags=no-writes
-- Measures what a run occupies, as Redis counts: overhead included, every field and every node of a stream looked at.
-- Atomic because parts of a run that is at work would not fit together.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] snapshot: hash
-- KEYS[5] checkpoints: stream
-- KEYS[6] preserved: hash
-- KEYS[7] inbox: stream
-- KEYS[8] seen: set
-- KEYS[9] chunks: stream
-- KEYS[10] blobs: set
-- KEYS[11] questions: hash
-- ARGV[1] samples: nested values looked at, 0 for all
-- Returns {bytes of each of these keys, in their order} | {} when there is no run
-- Keeps: nothing is written.
local run, payload, events, snapshot = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local checkpoints, preserved, inbox, seen = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local chunks, blobs, questions = KEYS[9], KEYS[10], KEYS[11]
if redis.call('EXISTS', run) == 0 then return {} end
local bytes = {}
local all = {run, payload, events, snapshot, checkpoints, preserved, inbox, seen, chunks, blobs, questions}
for i, key in ipairs(all) do
  bytes[i] = redis.call('MEMORY', 'USAGE', key, 'SAMPLES', ARGV[1]) or 0
end
return bytes
