#!lua flags=no-writes
-- Reads a page of a log.
-- Atomic because it is one read; a script only because it packs the page, which is far cheaper to take apart.
-- KEYS[1] events: stream
-- ARGV[1] from: seq of the first event
-- ARGV[2] page: events returned at most
-- Returns packed events
-- Keeps: nothing is written.
return cmsgpack.pack(redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', '+', 'COUNT', ARGV[2]))
