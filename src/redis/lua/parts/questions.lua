-- The open questions of a run: a hash, <until> <id> → name, a new line, payload. So what is long is read by the owner alone.

-- The field of a question, if it is in the hash.
local function fieldOf(questions, id)
  for _, field in ipairs(redis.call('HKEYS', questions)) do
    if string.match(field, ' (.*)$') == id then return field end
  end
end

-- Forgets those that nobody waits for any more. Returns how many are left, and until when the last of them waits.
local function openQuestions(questions, now)
  local open, last = 0, 0
  for _, field in ipairs(redis.call('HKEYS', questions)) do
    local ends = tonumber(string.match(field, '^%d+'))
    if ends <= now then
      redis.call('HDEL', questions, field)
    else
      open, last = open + 1, math.max(last, ends)
    end
  end
  return open, last
end

-- Whether somebody waits for a reply now.
local function isAsked(questions)
  if redis.call('EXISTS', questions) == 0 then return false end
  local time = redis.call('TIME')
  return openQuestions(questions, time[1] * 1000 + math.floor(time[2] / 1000)) > 0
end
