#!lua flags=allow-oom
-- Elects the sweeper, and shows it which workers seem lost.
-- Atomic because only the elected one may look, and two servers must not be mixed up in one look.
-- KEYS[1] workers: zset, worker id by end of session
-- KEYS[2] presence: hash, worker id to the server that saw its subscription
-- KEYS[3] sweeper: string
-- ARGV[1] id: the worker that asks
-- ARGV[2] lock: milliseconds the election holds
-- ARGV[3] live: prefix of the presence channels
-- ARGV[4] base: prefix of the worker hashes
-- Returns {'follower', workers} | {'leader', workers, now, worker id, reason, last seen, …}
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
local all = redis.call('ZRANGE', workers, 0, -1, 'WITHSCORES')
local seen = {}
local entries = redis.call('HGETALL', presence)
for i = 1, #entries, 2 do seen[entries[i]] = entries[i + 1] end
local reply = {'leader', #all / 2, string.format('%.0f', now)}
for i = 1, #all, 2 do
  local worker, reason = all[i], nil
  if seen[worker] == server and listeners(live .. worker) == 0 then
    reason = 'presence-lost'
  elseif tonumber(all[i + 1]) < now then
    reason = 'session-expired'
  end
  if reason then
    reply[#reply + 1] = worker
    reply[#reply + 1] = reason
    reply[#reply + 1] = redis.call('HGET', base .. worker, 'seenAt') or '0'
  end
end
return reply
