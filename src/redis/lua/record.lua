#!lua flags=no-writes
-- Reads the record of a run.
-- Atomic because a status and the output that goes with it must be of one moment.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- Returns {run fields, payload fields}, both empty when there is no such run
-- Keeps: nothing is written.
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2])}
