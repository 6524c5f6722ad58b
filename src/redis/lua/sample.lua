#!lua flags=no-writes
-- Answers as claim does, for a run that is made up, so that a process has read such an answer before it counts.
-- Atomic because every script is; nothing depends on it.
-- KEYS[1] run: where such a run would be; there is none
-- ARGV[1] fields: how many names and values the record has
-- ARGV[2] saved: how many names and values the snapshot has
-- ARGV[3] input: payload
-- ARGV[4] names and values of the record, then of the snapshot, then ids, types and payloads of events, from here
-- Returns {'claimed', record, payload, snapshot, packed events, messages, questions 0|1, now}
-- Keeps: nothing is written.
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.error_reply('ERR a run that is made up is there') end
local fields, saved, input = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local given = {unpack(ARGV, 4)}
local record, snapshot, entries = {}, {}, {}
for i = 1, fields do record[i] = given[i] end
for i = 1, saved do snapshot[i] = given[fields + i] end
for i = fields + saved + 1, #given, 3 do
  entries[#entries + 1] = {given[i], {'type', given[i + 1], 'at', '0', 'data', given[i + 2]}}
end
return {'claimed', record, {'input', input}, snapshot, cmsgpack.pack(entries), {}, 0, '0'}
