-- The blobs of a run that goes are garbage: whoever collects it removes them from the blob store.
local function leaveBlobs(base, id)
  local own = base .. 'blobs:' .. id
  local addresses = redis.call('SMEMBERS', own)
  if #addresses == 0 then return end
  local time = redis.call('TIME')
  local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  local garbage = base .. 'blobs-garbage'
  for _, address in ipairs(addresses) do redis.call('ZADD', garbage, at, address .. ' ' .. id) end
  redis.call('UNLINK', own)
end
