-- How far the present execution of a run has come: see core/evidence.ts.

-- Whether it has made progress, and what the executions after it have to go beyond. Of very many events not all are looked
-- at: those count as its own.
local function progress(events, claimSeq, seq, furthest)
  local proving = ' step.completed step.failed step.retried node.completed timer.set child.started child.ended '
  local own, last, left = 0, tonumber(claimSeq), 1000
  while last < tonumber(seq) and left > 0 do
    -- The first page is short: nearly always it tells.
    local page = redis.call('XRANGE', events, string.format('%.0f-0', last + 1), '+', 'COUNT', own == 0 and 3 or 25)
    if #page == 0 then break end
    for _, entry in ipairs(page) do
      local kind = entry[2][2]
      if string.find(proving, ' ' .. kind .. ' ', 1, true) then return true, math.max(own + 1, furthest) end
      local others = string.find(kind, '^run%.') or string.find(kind, '^operator%.') or string.find(kind, '^signal%.')
      if not others then own = own + 1 end
    end
    last, left = tonumber(string.match(page[#page][1], '^%d+')), left - #page
  end
  own = own + math.max(0, seq - last)
  return own > furthest, math.max(own, furthest)
end
