#!lua flags=allow-oom
-- Elects the sweeper, and shows it which workers of a slice seem lost, so that no call takes long.
-- Atomic because only the elected one may look, and two servers must not be mixed up in one look.
-- KEYS[1] workers: zset, worker id by end of session
-- KEYS[2] presence: hash, worker id to the server that saw its subscription
-- KEYS[3] sweeper: string
-- ARGV[1] id: the worker that asks
-- ARGV[2] lock: milliseconds the election holds
-- ARGV[3] live: prefix of the presence channels
-- ARGV[4] base: prefix of the worker hashes
-- ARGV[5] from: cursor of the presences that are looked at now, 0 for the first
-- ARGV[6] slice: about how many are looked at
-- ARGV[7] suspect: workers whose presence is looked at in any case, from here
-- Returns {'follower', workers} | {'leader', workers, now, next cursor, worker id, reason, last seen, …}
-- Keeps: one sweeper at a time; a lost presence counts only on the server that has seen it alive.
local workers, presence, sweeper = KEYS[1], KEYS[2], KEYS[3]
local id, lock, live, base = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- Either may be refused to this user; then nobody's presence counts, and the sessions decide.
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or '?'
local function listeners(channel) return redis.pcall('PUBSUB', 'SHARDNUMSUB', channel)[2] end
local leader = redis.call('GET', sweeper)
if leader and leader ~= id then
  local seen = redis.call('HGET', presence, leader) == server
  if not seen or listeners(live .. leader) ~= 0 then
    return {'follower', redis.call('ZCARD', workers)}
  end
end
redis.call('SET', sweeper, id, 'PX', lock)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {'leader', redis.call('ZCARD', workers), string.format('%.0f', now), '0'}
local found = {}
local function lost(worker, reason)
  if found[worker] then return end
  found[worker] = true
  reply[#reply + 1] = worker
  reply[#reply + 1] = reason
  reply[#reply + 1] = redis.call('HGET', base .. worker, 'seenAt') or '0'
end
local function look(worker, seen)
  if seen == server and listeners(live .. worker) == 0 then lost(worker, 'presence-lost') end
end
for i = 7, #ARGV do look(ARGV[i], redis.call('HGET', presence, ARGV[i])) end
-- Who is there from the first slice to the last one is in one of them, whoever comes and goes meanwhile.
local page = redis.pcall('HSCAN', presence, ARGV[5], 'COUNT', ARGV[6])
-- A user whose rights are those of an older pawl may not; then all are looked at in one go, as before.
if page.err then page = {'0', redis.call('HGETALL', presence)} end
reply[4] = page[1]
for i = 1, #page[2], 2 do look(page[2][i], page[2][i + 1]) end
local expired = redis.call('ZRANGE', workers, '-inf', string.format('(%.0f', now), 'BYSCORE', 'LIMIT', 0, ARGV[6])
for _, worker in ipairs(expired) do lost(worker, 'session-expired') end
return reply
