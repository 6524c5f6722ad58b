-- How far the present execution of a run has come: see core/evidence.ts.

-- Whether it has made progress, and what the executions after it have to go beyond. Of very many events not all are looked
-- at: those count as its own.
local function progress(events, claimSeq, seq, furthest)
  local proving = {['step.completed'] = true, ['step.failed'] = true, ['step.retried'] = true, ['node.completed'] = true,
    ['timer.set'] = true, ['child.started'] = true, ['child.ended'] = true}
  local own, last, left = 0, tonumber(claimSeq), 1000
  while last < tonumber(seq) and left > 0 do
    local page = redis.call('XRANGE', events, string.format('%.0f-0', last + 1), '+', 'COUNT', 25)
    if #page == 0 then break end
    for _, entry in ipairs(page) do
      local kind = entry[2][2]
      local others = string.match(kind, '^run%.') or string.match(kind, '^operator%.') or string.match(kind, '^signal%.')
      if not others then own = own + 1 end
      if proving[kind] then return true, math.max(own, furthest) end
    end
    last, left = tonumber(string.match(page[#page][1], '^%d+')), left - #page
  end
  own = own + math.max(0, seq - last)
  return own > furthest, math.max(own, furthest)
end
