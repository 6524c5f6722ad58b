/** Whether the servers are set up so that they keep what they are given. */
import type { Check } from '../core/doctor.ts';
import { memoryShare, type ServerFacts } from './server-facts.ts';

const shareWarned = 0.75;
/** Above it pawl takes no new runs. */
const shareRefused = 0.9;

type Judgement = Omit<Check, 'name' | 'expected'>;

interface Rule {
  readonly name: string;
  readonly expected: string;
  readonly judge: (facts: ServerFacts) => Judgement;
}

const rules: readonly Rule[] = [
  {
    name: 'redis',
    expected: 'Redis 7.0 or newer, or Valkey 7.2 or newer',
    judge({ field }) {
      const valkey = field('valkey_version');
      // pawl does not connect to older ones.
      return { status: 'ok', found: valkey === '' ? field('redis_version') : `Valkey ${valkey}` };
    },
  },
  {
    name: 'role',
    expected: 'master',
    judge({ field }) {
      const found = field('role');
      if (found === 'master') return { status: 'ok', found };
      return { status: 'fail', found, fix: 'Name the master, or the sentinels that know it.' };
    },
  },
  {
    name: 'eviction',
    expected: 'maxmemory-policy noeviction',
    judge({ field }) {
      const found = `maxmemory-policy ${field('maxmemory_policy')}`;
      if (found === 'maxmemory-policy noeviction') return { status: 'ok', found };
      return { status: 'fail', found, fix: 'redis-cli CONFIG SET maxmemory-policy noeviction' };
    },
  },
  {
    name: 'memory',
    expected: `below ${shareRefused * 100} % of maxmemory, where new runs are refused`,
    judge(facts) {
      const share = memoryShare(facts);
      const used = facts.field('used_memory_human');
      if (Number(facts.field('maxmemory')) === 0)
        return { status: 'ok', found: `${used}, no limit` };
      const found = `${used}, ${Math.round(share * 100)} % of maxmemory`;
      if (share <= shareWarned) return { status: 'ok', found };
      const fix = 'Raise maxmemory, or delete runs that have ended: pawl runs delete.';
      return { status: share > shareRefused ? 'fail' : 'warn', found, fix };
    },
  },
  {
    name: 'persistence',
    expected: 'an append-only file, written without errors',
    judge: persistence,
  },
];

function persistence({ field }: ServerFacts): Judgement {
  const aof = field('aof_enabled') === '1';
  const failures = [
    ...(aof && field('aof_last_write_status') !== 'ok' ? ['the append-only file'] : []),
    ...(aof && field('aof_last_bgrewrite_status') !== 'ok' ? ['its rewriting'] : []),
    ...(field('rdb_last_bgsave_status') === 'err' ? ['the last save'] : []),
  ];
  if (failures.length > 0) {
    const found = `${failures.join(' and ')} failed`;
    return { status: 'fail', found, fix: 'Look at the log of Redis: is the disk full?' };
  }
  if (aof) return { status: 'ok', found: 'an append-only file, written without errors' };
  const fix = 'redis-cli CONFIG SET appendonly yes, and the same in redis.conf';
  const found = 'no append-only file: a crash of Redis loses all since the last save';
  return { status: 'warn', found, fix };
}

/** One check of each name, of the server that is worst off. */
export function serverChecks(facts: readonly (ServerFacts | undefined)[]): readonly Check[] {
  const told = facts.filter((one) => one !== undefined);
  if (told.length < facts.length || told.length === 0) {
    const fix = 'Allow it: ACL SETUSER <user> +info';
    const found = 'Redis refuses INFO to this user: its settings are not checked';
    return [
      { name: 'redis', status: 'warn', found, expected: 'a server that tells its settings', fix },
    ];
  }
  const grades = ['ok', 'warn', 'fail'];
  return rules.map(({ name, expected, judge }) => {
    const judged = told.map((server) => ({ server, ...judge(server) }));
    const [first, ...others] = judged;
    if (first === undefined) throw new RangeError('there is at least one server');
    const worst = others.reduce(
      (a, b) => (grades.indexOf(b.status) > grades.indexOf(a.status) ? b : a),
      first,
    );
    const { server, status, fix } = worst;
    const found = told.length > 1 ? `${worst.found} at ${server.name}` : worst.found;
    return { name, status, found, expected, ...(fix === undefined ? {} : { fix }) };
  });
}
