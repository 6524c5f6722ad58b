-- What is told of a run that needs attention: workflow, fence, status, losses, priority and notes.

-- Notes: u for a parent that was not told, o for children that were not cancelled, a for one that waits and sleeps.
local function describe(base, id, now)
  local m = redis.call('HMGET', base .. 'run:' .. id, 'workflow', 'fence', 'status', 'losses', 'priority', 'notifyPending', 'cancelPending',
    'wakeAt', 'woken', 'wants')
  local notes = (m[6] and 'u' or '') .. (m[7] and 'o' or '')
  if m[3] == 'waiting' and not (m[9] or (m[8] and tonumber(m[8]) <= now)) then
    -- A run that an older pawl has parked wants every message.
    if m[10] or redis.call('XLEN', base .. 'inbox:' .. id) == 0 then notes = 'a' end
  end
  return {m[1], m[2], m[3], m[4] or '0', m[5] or '0', notes}
end
