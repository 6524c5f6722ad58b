-- The turnstile of a workflow: who has a turn, and who stands in line. All turnstiles are in the slot of the workers.
--
-- turnstiles: zset, workflow by the time at which a sweeper is to look
-- turnstile:<workflow>: hash. limits (<per key> <fleet> <rate max> <rate ms> <what when busy> [<burst ms>] <version>, 0 for
--   none), order (arrivals), round (turns of keys), last (the greatest number of a turn)
-- turn-ready:<workflow>: zset, keys with a line that may have a turn, in the order of their last one
-- turn-later:<workflow>: zset, keys with a line whose rate is used up, by the time at which it is not any more
-- turn-full:<workflow>: set, keys with a line that have all the turns they may have
-- turn-line:<workflow>:<key>: zset, '<id> <birth>' of runs that want a turn: those that were at work, then by priority, each
--   in the order of arrival; behind them those that sleep, which only take the place of others
-- turn-holders:<workflow>:<key>: hash, '<id> <birth>' of runs that have a turn, to its number
-- turn-held:<workflow>: zset, '<id> <birth> <key>' of all of them, by the time at which it is looked at
-- turn-burst:<workflow>:<key>: string, when the burst of starts began that may have older ones make way
-- turn-spared:<workflow>:<key>: set, '<id> <birth>' of runs in line that no later one has make way
-- turn-rate:<workflow>:<key>: string, '<end of the stretch> <turns in it>'
--
-- Kept: a run has one turn, or stands in line, or neither; a key with a line is ready, or later, or full.

-- `fleet` is the prefix of the keys of all turnstiles.
local function keyOf(name, workflow, key)
  return fleet .. name .. ':' .. workflow .. (key and ':' .. key or '')
end

-- A number as Redis takes it, however great.
local function text(number) return string.format('%.0f', number) end

-- So many arrivals are told apart in a line; a priority is a multiple of it. Behind the last one are those that sleep.
local function arrivals() return 8589934592 end

-- When a turn of this age is looked at again.
local function checkAfter(ageMs) return math.min(math.max(1000, ageMs), 15000) end
