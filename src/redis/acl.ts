/**
 * The least that a Redis user of pawl needs, as rules for `ACL SETUSER`: the keys and channels of one prefix, and no
 * command that reaches further (no KEYS, SCAN, CONFIG, FLUSHALL, DEBUG, SHUTDOWN, SAVE …).
 *
 * Every key of a prefix begins with `{prefix}:` or `{prefix:shard}:`, and a prefix holds neither braces nor colons nor
 * stars, so these patterns fit no other prefix. Scripts are checked by Redis command by command, as if their caller had
 * sent them.
 */

/** What pawl itself sends, and what its scripts call. */
const pawlCommands: readonly string[] = [
  'exists',
  'get',
  'set',
  'unlink',
  'hdel',
  'hexists',
  'hget',
  'hgetall',
  'hincrby',
  'hkeys',
  'hlen',
  'hmget',
  'hscan',
  'hset',
  'hsetnx',
  'sadd',
  'scard',
  'sismember',
  'smembers',
  'smismember',
  'spop',
  'srem',
  'zadd',
  'zcard',
  'zcount',
  'zlexcount',
  'zmscore',
  'zrange',
  'zrem',
  'zscore',
  'xadd',
  'xdel',
  'xlen',
  'xrange',
  'xrevrange',
  'xtrim',
  'memory|usage',
  'time',
  'spublish',
  'ssubscribe',
  'sunsubscribe',
  'pubsub|shardchannels',
  'pubsub|shardnumsub',
];

/** What the scripts and classes of BullMQ add to that. */
const bullCommands: readonly string[] = [
  'bzpopmin',
  'del',
  'hlen',
  'hmset',
  'incr',
  'incrby',
  'persist',
  'pexpire',
  'pexpireat',
  'pttl',
  'lindex',
  'llen',
  'lpop',
  'lpos',
  'lpush',
  'lrange',
  'lrem',
  'lset',
  'ltrim',
  'rename',
  'rpop',
  'rpoplpush',
  'rpush',
  'scard',
  'type',
  'xlen',
  'xread',
  'zcount',
  'zlexcount',
  'zpopmin',
  'zrangebylex',
  'zrangebyscore',
  'zremrangebyrank',
  'zremrangebyscore',
  'zrevrange',
  'zrevrangebyscore',
  'zscore',
];

/** What a connection needs: the client's greeting, its scripts, the nodes of a cluster. */
const connectionCommands: readonly string[] = [
  'client|setname',
  'cluster|info',
  'cluster|slots',
  'info',
  'ping',
  'select',
  'eval',
  'evalsha',
  'script|exists',
  'script|load',
  'discard',
  'exec',
  'multi',
];

export const aclCommands: readonly string[] = [
  ...pawlCommands,
  ...bullCommands,
  ...connectionCommands,
].toSorted();

/** Patterns of all keys and channels of a prefix. */
function keyPatterns(prefix: string): readonly string[] {
  return [`{${prefix}}:*`, `{${prefix}:*}:*`];
}

/**
 * The rules for a user of pawl, without a password: until one is added (`ACL SETUSER name >password`) nobody can log in.
 * Setting them again leaves the passwords as they are.
 */
export function aclRules(prefix: string): readonly string[] {
  const patterns = keyPatterns(prefix);
  return [
    'on',
    'resetkeys',
    'resetchannels',
    '-@all',
    ...patterns.map((pattern) => `~${pattern}`),
    ...patterns.map((pattern) => `&${pattern}`),
    ...aclCommands.map((command) => `+${command}`),
  ];
}
