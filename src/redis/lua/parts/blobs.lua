-- A write takes the blobs that it refers to, given as lines of addresses: pending ones become the run's. False, and nothing
-- has changed, when one of them is garbage by now: the write must not be made.
local function takeBlobs(base, id, lines)
  local own, pending = base .. 'blobs:' .. id, base .. 'blobs-pending'
  for address in string.gmatch(lines, '[^\n]+') do
    if not redis.call('ZSCORE', pending, address .. ' ' .. id) then return false end
  end
  for address in string.gmatch(lines, '[^\n]+') do
    redis.call('ZREM', pending, address .. ' ' .. id)
    redis.call('SADD', own, address)
  end
  return true
end
