-- What is told of a run that needs attention: workflow, fence, status, losses, priority, notes, key and birth.

-- Notes: u for a parent that was not told, o for children that were not cancelled, a for one that waits and sleeps, t for
-- one that needs a turn, b for one that was at work before.
local function describe(base, id, now)
  local m = redis.call('HMGET', base .. 'run:' .. id, 'workflow', 'fence', 'status', 'losses', 'priority', 'notifyPending', 'cancelPending',
    'wakeAt', 'woken', 'wants', 'key', 'turn', 'codeVersion', 'createToken')
  local notes = (m[6] and 'u' or '') .. (m[7] and 'o' or '')
  if m[3] == 'waiting' and not (m[9] or (m[8] and tonumber(m[8]) <= now)) then
    -- A run that an older pawl has parked wants every message.
    if m[10] or redis.call('XLEN', base .. 'inbox:' .. id) == 0 then notes = 'a' end
  end
  local goesOn = m[3] == 'queued' or m[3] == 'interrupted' or (m[3] == 'waiting' and notes ~= 'a')
  if goesOn and m[11] and not m[12] then notes = notes .. 't' .. (m[13] and 'b' or '') end
  return {m[1], m[2], m[3], m[4] or '0', m[5] or '0', notes, m[11] or '', m[14] or ''}
end
