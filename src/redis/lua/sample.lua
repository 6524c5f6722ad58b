#!lua flags=no-writes
-- Answers as claim does, for a run that is made up, so that a process has read such an answer before it counts.
-- Atomic as every script is; nothing depends on it.
-- KEYS[1] run: where such a run would be, so that the call finds a server; it is not looked at
-- ARGV[1] count of the names and values of the record, which follow
-- ARGV[2] count of the names and values of the snapshot, which follow those of the record
-- ARGV[3] input: payload
-- ARGV[4] name of the first field of the record; behind both, ids, types and payloads of events alternate
-- Returns {'claimed', record, payload, snapshot, packed events, messages, questions 0|1, now}
-- Keeps: nothing is read or written.
local record, snapshot, entries = {}, {}, {}
local fields, saved = 3 + ARGV[1], 3 + ARGV[1] + ARGV[2]
for i = 4, fields do record[#record + 1] = ARGV[i] end
for i = fields + 1, saved do snapshot[#snapshot + 1] = ARGV[i] end
for i = saved + 1, #ARGV, 3 do
  entries[#entries + 1] = {ARGV[i], {'type', ARGV[i + 1], 'at', '0', 'data', ARGV[i + 2]}}
end
return {'claimed', record, {'input', ARGV[3]}, snapshot, cmsgpack.pack(entries), {}, 0, '0'}
