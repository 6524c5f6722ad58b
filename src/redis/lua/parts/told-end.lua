-- What is announced of an end: src/redis/change.ts reads it. Who waits for a small result need not read the record.
local function toldEnd(status, data, seq)
  return #data <= 4096 and '!' .. status .. '\n' .. data or seq
end
