#!lua flags=no-writes
-- Reads a run: record, snapshot and the first page of events after it.
-- Atomic because the snapshot may move between two reads, and the page would no longer follow it.
-- KEYS[1] run: hash
-- KEYS[2] payload: hash
-- KEYS[3] events: stream
-- KEYS[4] snapshot: hash
-- ARGV[1] page: events returned at most
-- Returns {'loaded', run fields, payload fields, snapshot fields, packed events} | {'missing'}
-- Keeps: nothing is written.
local run, payload, events, snapshot, page = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]

local fields = redis.call('HGETALL', run)
if #fields == 0 then return {'missing'} end
local from = redis.call('HGET', run, 'snapshotSeq') or '0'
return {'loaded', fields, redis.call('HGETALL', payload), redis.call('HGETALL', snapshot),
  cmsgpack.pack(redis.call('XRANGE', events, string.format('%.0f-0', from + 1), '+', 'COUNT', page))}
