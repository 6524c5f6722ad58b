-- Threads of LangGraph: what is stored of them beside the record of a run.

-- The head of a stored checkpoint: its parent, and for each channel with a value the version and the key of the value.
local function headOf(stored)
  return cjson.decode(string.sub(stored, 1, string.find(stored, '\n', 1, true) - 1))
end

-- A thread at which a question stands open is waiting, any other is queued: both are for whoever goes on with it.
local function standThread(base, id)
  local run = base .. 'run:' .. id
  local m = redis.call('HMGET', run, 'status', 'createdAt')
  local asked = redis.call('SCARD', base .. 'thread-interrupted:' .. id) > 0
  local status = asked and 'waiting' or 'queued'
  if m[1] == status or (m[1] ~= 'waiting' and m[1] ~= 'queued') then return end
  redis.call('HSET', run, 'status', status)
  redis.call('ZREM', base .. 'by-status:' .. m[1], id)
  redis.call('ZADD', base .. 'by-status:' .. status, m[2], id)
end

-- Removes what a thread has beside the record of its run. Other runs have nothing of it.
local function leaveThread(base, id)
  if string.sub(id, 1, 7) ~= 'thread~' then return end
  redis.call('ZREM', base .. 'langgraph', id)
  redis.call('ZREM', base .. 'langgraph-expiry', id)
  for _, checkpoint in ipairs(redis.call('SMEMBERS', base .. 'thread-written:' .. id)) do
    redis.call('UNLINK', base .. 'thread-writes:' .. id .. ':' .. checkpoint)
  end
  redis.call('UNLINK', base .. 'thread-checkpoints:' .. id, base .. 'thread-order:' .. id, base .. 'thread-values:' .. id,
    base .. 'thread-written:' .. id, base .. 'thread-interrupted:' .. id)
end

-- Makes the run that a thread is: its record, its first event, its place in the indexes. Nobody ever has to look at it.
local function makeThread(base, id, birth, workflow, input)
  local time = redis.call('TIME')
  local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  local data = '{"workflow":"langgraph"}'
  redis.call('XADD', base .. 'events:' .. id, '1-0', 'type', 'run.created', 'at', at, 'data', data)
  redis.call('HSET', base .. 'payload:' .. id, 'input', input, 'tags', '')
  redis.call('HSET', base .. 'run:' .. id, 'workflow', workflow, 'status', 'queued', 'fence', '0', 'seq', '1',
    'createToken', birth, 'bytes', #data, 'createdAt', at, 'changedAt', at, 'unmanaged', '1')
  redis.call('ZADD', base .. 'unmanaged', at, id)
  redis.call('ZADD', base .. 'runs', at, id)
  redis.call('ZADD', base .. 'ids', 0, id)
  redis.call('ZADD', base .. 'by-status:queued', at, id)
  redis.call('ZADD', base .. 'by-workflow:' .. workflow, at, id)
  redis.call('ZADD', base .. 'langgraph', 0, id)
end
