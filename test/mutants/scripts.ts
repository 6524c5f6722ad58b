/** Bugs in the scripts that Redis runs. */
import { type Mutant, suite } from './mutant.ts';

export const mutantsOfScripts: readonly Mutant[] = [
  {
    name: 'of two answers to a wait both are taken',
    file: 'redis/lua/post.lua',
    passage: "if first then return {'answered', first} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a turn that was given up is had again',
    file: 'redis/lua/admit.lua',
    passage: "if tonumber(turn) <= tonumber(m[4] or '0') then return {'useless'} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a run that waits keeps its turn',
    file: 'redis/lua/commit.lua',
    passage: "if status ~= 'queued' or m[7] then redis.call('HDEL', run, 'turn') end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a key with a turn stays in front of the others',
    file: 'redis/lua/parts/turns.lua',
    passage: "redis.call('ZADD', ready, text(round), key)",
    by: "redis.call('ZADD', ready, 0, key)",
    foundBy: [suite],
  },
  {
    name: 'a run is told of though its hook has not begun',
    file: 'redis/lua/settle-family.lua',
    passage: "if m[3] and ARGV[3] == 'notifyPending' and ARGV[4] == '' then return {'missing'} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'an append does not look at the fence',
    file: 'redis/lua/append.lua',
    passage: 'if m[1] ~= fence or m[2] ~= owner then',
    by: 'if false then',
    foundBy: [suite],
  },
  {
    name: 'an append does not know its repetition',
    file: 'redis/lua/append.lua',
    passage: 'if m[4] == token then',
    by: 'if false then',
    foundBy: [suite],
  },
  {
    name: 'an append does not notice that the log has gone back',
    file: 'redis/lua/append.lua',
    passage: "if m[3] ~= expected then return {'conflict', m[3]} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a wake-up of yesterday claims a run',
    file: 'redis/lua/claim.lua',
    passage: "if expectedFence ~= '' and expectedFence ~= fence then return {'stale', fence} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a message that comes again is taken for a new one',
    file: 'redis/lua/post.lua',
    passage: "redis.call('SADD', seen, message)",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a zombie gives out chunks',
    file: 'redis/lua/write.lua',
    passage: "if m[1] ~= fence or m[2] ~= owner then return {'fenced', m[1]} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'the clock of a run begins with its claim, however late the answer',
    file: 'redis/lua/claim.lua',
    passage: "redis.call('EXISTS', base .. 'questions:' .. id), string.format('%.0f', now)}",
    by: "redis.call('EXISTS', base .. 'questions:' .. id), redis.call('HGET', run, 'changedAt')}",
    foundBy: [suite],
  },
];
