-- Runs whose data somebody has damaged: a key of another kind, a foreign entry in the log, a text where a number should be.

-- What is wrong when a call has failed because of what a key holds, which repeating it cannot cure; nil for other errors.
local function damageOf(failed)
  local text = type(failed) == 'table' and failed.err or tostring(failed)
  for _, sign in ipairs({'WRONGTYPE', 'is equal or smaller', 'attempt to ', 'bad argument'}) do
    if string.find(text, sign, 1, true) then return text end
  end
end

-- Quarantines a run, with the key and what is wrong with it. What of the run cannot be written is left out.
local function quarantine(base, id, key, damage, now)
  local run = base .. 'run:' .. id
  local m = redis.call('HMGET', run, 'status', 'worker', 'fence', 'seq', 'createdAt', 'waitsIn', 'parkedBy', 'bytes')
  local at, seq = string.format('%.0f', now), tonumber(m[4]) or 0
  local fence = string.format('%.0f', math.max((tonumber(m[3]) or 0) + 1, now * 1000))
  local record = '{"name":"CorruptionError","code":"PAWL_CORRUPT","message":'
    .. cjson.encode(key .. ' cannot be worked with: ' .. damage) .. '}'
  local data = '{"error":' .. record .. '}'
  local added = redis.pcall('XADD', base .. 'events:' .. id, string.format('%.0f-', seq + 1) .. fence,
    'type', 'run.quarantined', 'at', at, 'data', data)
  if type(added) == 'string' then
    redis.call('HSET', run, 'seq', string.format('%.0f', seq + 1), 'bytes', (tonumber(m[8]) or 0) + #data)
  end
  redis.pcall('HSET', base .. 'payload:' .. id, 'error', record)
  redis.call('HSET', run, 'status', 'quarantined', 'fence', fence, 'changedAt', at)
  redis.call('HDEL', run, 'owner', 'worker', 'wakeAt', 'waits', 'waitsIn', 'wants', 'pollMs', 'woken', 'parkedBy', 'refused',
    'turn', 'losses', 'proofs', 'furthest', 'lostWorker', 'lostReason', 'lostAt', 'detectMs', 'claimMs')
  redis.call('ZREM', base .. 'due', id)
  redis.call('ZREM', base .. 'by-status:' .. m[1], id)
  redis.call('ZADD', base .. 'by-status:quarantined', tonumber(m[5]) or now, id)
  for index in string.gmatch(m[6] or '', '[^\n]+') do redis.call('ZREM', base .. 'by-wait:' .. index, id) end
  if m[7] then redis.call('SREM', base .. 'parked:' .. string.match(m[7], ' (.*)$'), id) end
  if m[2] then redis.call('SREM', base .. 'held:' .. m[2], id) end
  redis.call('SPUBLISH', base .. 'changed:' .. id, string.format('%.0f', seq))
end
