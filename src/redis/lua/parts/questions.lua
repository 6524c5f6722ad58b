-- The open questions of a run: a hash, id → <until>, a new line, name, a new line, payload.

-- Whether somebody still waits for a reply.
local function isAsked(questions, now)
  local flat = redis.call('HGETALL', questions)
  for i = 2, #flat, 2 do
    if tonumber(string.match(flat[i], '^%d+')) > now then return true end
  end
  return false
end
