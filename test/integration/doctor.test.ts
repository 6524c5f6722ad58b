// Goal: the doctor finds each kind of damage, repairs that and touches nothing else, and is calm beside live workers.
// Method: a private server, into which damage is planted by hand; all of Redis is compared before and after.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { type DrillReport, doctor, type DoctorReport } from 'pawl/doctor';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { committed, held, parking } from '../../src/testing/run-store/opened.ts';
import { runCli } from '../support/limited-user.ts';

let server: RedisServer;
let admin: Redis;
const base = '{pawl:0}:';

const brief = defineWorkflow({
  name: 'brief',
  run: async (ctx) => {
    for (let i = 0; i < 20; i++) await ctx.step(`s:${i}`, () => sleep(5));
    return 'done';
  },
});

beforeAll(async () => {
  server = await startRedisServer();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(() => admin.flushall());

/** Three queued runs, one of them with a tag, one with a parent. */
async function threeRuns(): Promise<void> {
  await using pawl = await Pawl.open({ redis: server.url });
  await pawl.start(brief, undefined, { id: 'a', tags: { tenant: 'x' } });
  const b = await pawl.start(brief, undefined, { id: 'b' });
  await pawl.start(brief, undefined, { id: 'c', delay: '1h' });
  await admin.hset(`${base}run:b`, 'parent', 'elder');
  await admin.zadd(`${base}by-parent:elder`, (await b.info()).createdAt.getTime(), 'b');
}

/** All of the prefix. Not by DUMP: a server may change the order inside of a hash at any time. */
async function everything(): Promise<Record<string, string>> {
  const keys = (await admin.keys(`${base}*`)).toSorted();
  const values = keys.map(async (key) => [key, JSON.stringify(await valueOf(key))]);
  return Object.fromEntries((await Promise.all(values)) as [string, string][]);
}

const hex = (bytes: Buffer | null): string | undefined => bytes?.toString('hex');

async function valueOf(key: string): Promise<unknown> {
  switch (await admin.type(key)) {
    case 'hash': {
      const fields = Object.entries(await admin.hgetallBuffer(key));
      return fields.map(([field, value]) => `${field} ${hex(value)}`).toSorted();
    }
    case 'list':
      return (await admin.lrangeBuffer(key, 0, -1)).map(hex);
    case 'set':
      return (await admin.smembers(key)).toSorted();
    case 'stream': {
      const entries = await admin.xrangeBuffer(key, '-', '+');
      return entries.map(([id, fields]) => [String(id), fields.map(hex)]);
    }
    case 'zset':
      return (await admin.zrange(key, '0', '-1', 'WITHSCORES')).join(' ');
    default:
      return hex(await admin.getBuffer(key));
  }
}

const look = (more: object = {}): Promise<DoctorReport> => doctor({ redis: server.url, ...more });

const checkOf = ({ checks }: DoctorReport, name: string): string | undefined =>
  checks.find((check) => check.name === name)?.status;

const plants: readonly (readonly [string, () => Promise<unknown>, string, string])[] = [
  ['no due entry', () => admin.zrem(`${base}due`, 'a'), 'a', 'missing from due'],
  ['no entry of runs', () => admin.zrem(`${base}runs`, 'b'), 'b', 'missing from runs'],
  ['no entry of ids', () => admin.zrem(`${base}ids`, 'b'), 'b', 'missing from ids'],
  [
    'no entry of its status',
    () => admin.zrem(`${base}by-status:queued`, 'a'),
    'a',
    'missing from by-status:queued',
  ],
  [
    'a second status',
    () => admin.zadd(`${base}by-status:failed`, 1, 'a'),
    'a',
    'wrongly in by-status:failed',
  ],
  [
    'no entry of its workflow',
    () => admin.zrem(`${base}by-workflow:brief`, 'c'),
    'c',
    'missing from by-workflow:brief',
  ],
  [
    'no entry of its tag',
    () => admin.zrem(`${base}by-tag:tenant=x`, 'a'),
    'a',
    'missing from by-tag:tenant=x',
  ],
  [
    'a tag it does not have',
    () => admin.zadd(`${base}by-tag:tenant=x`, 1, 'b'),
    'b',
    'wrongly in by-tag:tenant=x',
  ],
  [
    'no entry of its parent',
    () => admin.zrem(`${base}by-parent:elder`, 'b'),
    'b',
    'missing from by-parent:elder',
  ],
  [
    'a parent it does not have',
    () => admin.zadd(`${base}by-parent:elder`, 1, 'a'),
    'a',
    'wrongly in by-parent:elder',
  ],
  [
    'no entry of what it waits for',
    () => admin.zrem(`${base}by-wait:delay`, 'c'),
    'c',
    'missing from by-wait:delay',
  ],
  [
    'a wait in another place',
    () => admin.zadd(`${base}by-wait:delay`, 1, 'c'),
    'c',
    'missing from its place in by-wait:delay',
  ],
  [
    'a wait it does not have',
    () => admin.zadd(`${base}by-wait:signal:go`, 1, 'b'),
    'b',
    'wrongly in by-wait:signal:go',
  ],
  [
    'a run that nobody has parked',
    async () => {
      await admin.sadd(`${base}parked:w-1`, 'c');
      await admin.sadd(`${base}holders`, 'w-1');
    },
    'c',
    'wrongly in parked:w-1',
  ],
  ['a due entry of nobody', () => admin.zadd(`${base}due`, 1e15, 'gone'), 'gone', 'wrongly in due'],
  [
    'a list entry of nobody',
    () => admin.zadd(`${base}by-workflow:brief`, 1, 'gone'),
    'gone',
    'wrongly in by-workflow:brief',
  ],
  [
    'a run in hands that do not hold it',
    async () => {
      await admin.sadd(`${base}held:w-1`, 'a');
      await admin.sadd(`${base}holders`, 'w-1');
    },
    'a',
    'wrongly in held:w-1',
  ],
  [
    'a log without a record',
    () => admin.xadd(`${base}events:gone`, '1-0', 'type', 'x'),
    'gone',
    '1 keys without a record',
  ],
];

describe('damage', () => {
  test.each(plants)(
    '%s is found and repaired, and nothing else',
    async (_, plant, run, problem) => {
      await threeRuns();
      const before = await everything();
      await plant();
      const damaged = await everything();
      expect(damaged).not.toEqual(before);

      const found = await look({ full: true });
      expect(found.ok).toBe(false);
      expect(found.damage).toMatchObject([{ run, repaired: false }]);
      expect(found.damage[0]?.problems).toContain(problem);
      expect(await everything()).toEqual(damaged);

      const repaired = await look({ full: true, repair: true });
      expect(repaired.damage).toMatchObject([{ run, repaired: true }]);
      const after = await everything();
      // The worker w-1 stays among the holders until the sweeper looks; the time at which a run is due is made anew.
      delete after[`${base}holders`];
      if (problem === 'missing from due') {
        expect(after[`${base}due`]).toMatch(/\ba \d+/);
        delete after[`${base}due`];
        delete before[`${base}due`];
      }
      expect(after).toEqual(before);
      expect(await look({ full: true })).toMatchObject({ ok: true, damage: [] });
    },
  );
});

test('a parked run whose worker nobody would miss is found and repaired', async () => {
  const store = await RedisRunStore.open({ redis: server.url });
  const { id, ownership, worker } = await held(store);
  const wait = { kind: 'child', name: 'kid', on: ['kid'], since: 1 } as const;
  const release = parking({ waits: [wait], pollMs: 60_000, mayGoOn: true });
  await committed(store, ownership, { release });
  const before = await everything();
  expect(await look({ full: true })).toMatchObject({ ok: true, damage: [] });
  for (const key of [`parked:${worker}`, 'holders', 'due', 'by-wait:child']) {
    await admin.unlink(base + key);
    const { damage } = await look({ full: true, repair: true });
    expect(damage, key).toMatchObject([{ run: id, repaired: true }]);
    expect(Object.keys(await everything()), key).toEqual(Object.keys(before));
  }
  // Repaired, it is as due as before, and no sooner.
  expect(await store.fleet.due({ limit: 9, resendMs: 1000 })).toEqual([]);
  await store.close();
});

test('a sample finds it too where there are few runs, and a look beside workers at work finds nothing', async () => {
  await threeRuns();
  await admin.zrem(`${base}due`, 'a');
  expect((await look()).damage).toMatchObject([{ run: 'a' }]);
  await look({ repair: true });

  await using pawl = await Pawl.open({ redis: server.url });
  await using worker = pawl.worker({ workflows: [brief] });
  await worker.ready();
  const progress = { isOver: false };
  const branches = Array.from({ length: 10 }, async (_, branch) => {
    for (let i = 0; !progress.isOver; i++) {
      const about = { id: `r${branch}-${i}`, tags: { n: String(branch % 3) } };
      await (await pawl.start(brief, undefined, about)).result();
    }
  });
  let looks = 0;
  try {
    while (looks < 5) {
      const { runs } = await pawl.list({ status: 'running' });
      if (runs.length > 0) looks += 1;
      const { damage, checks } = await look({ full: true });
      expect(damage).toEqual([]);
      expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    }
  } finally {
    progress.isOver = true;
    await Promise.all(branches);
  }
});

test('a server that is set up badly is told of, with the way to mend it', async () => {
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await admin.config('SET', 'appendonly', 'no');
  const bad = await look();
  await admin.config('SET', 'maxmemory-policy', 'noeviction');
  await admin.config('SET', 'appendonly', 'yes');
  expect(bad.ok).toBe(false);
  expect([checkOf(bad, 'eviction'), checkOf(bad, 'persistence')]).toEqual(['fail', 'warn']);
  expect(bad.checks.find(({ name }) => name === 'eviction')?.fix).toContain('noeviction');
  const well = await look();
  expect([checkOf(well, 'eviction'), checkOf(well, 'access'), checkOf(well, 'clock')]).toEqual([
    'ok',
    'ok',
    'ok',
  ]);
});

test('a user who lacks a command is told which, and nothing was executed to find out', async () => {
  const { stdout } = await runCli(['doctor', '--acl', '--user', 'lame']);
  const rules = stdout.trim().split(' ').slice(2);
  const url = server.url.replace('redis://', 'redis://lame:pw@');
  await admin.call('ACL', 'SETUSER', ...rules, '>pw');
  const well = await doctor({ redis: url, full: true });
  expect([checkOf(well, 'access'), checkOf(well, 'presence')]).toEqual(['ok', 'ok']);
  await admin.call('ACL', 'SETUSER', 'lame', '-xadd', '-zrem');
  const lame = await doctor({ redis: url });
  expect(lame.checks.find(({ name }) => name === 'access')).toMatchObject({
    status: 'fail',
    found: 'refused: xadd, zrem',
  });
  expect(await admin.dbsize()).toBe(0);
});

test('the command tells, repairs and says by its exit code how it went', async () => {
  await threeRuns();
  const args = ['--redis', server.url, '--json'];
  await admin.zrem(`${base}due`, 'a');
  const failed = (await runCli(['doctor', ...args]).catch((error: unknown) => error)) as {
    code: number;
    stdout: string;
  };
  expect(failed.code).toBe(6);
  expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false, damage: [{ run: 'a' }] });
  const { stdout } = await runCli(['doctor', '--repair', '--full', ...args]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, damage: [{ run: 'a', repaired: true }] });
  expect(await runCli(['doctor', 'live', '--redis', server.url])).toEqual({
    stdout: '',
    stderr: '',
  });
  const ready = runCli(['doctor', 'ready', '--redis', server.url]);
  await expect(ready).rejects.toMatchObject({ code: 1, stderr: 'No worker is there.\n' });
});

test('health tells of work that waits, and answers in time when Redis hangs', async () => {
  await using pawl = await Pawl.open({ redis: server.url });
  expect(await pawl.health()).toMatchObject({ status: 'ok', reasons: [], workers: 0 });
  await pawl.start(brief, undefined, { id: 'a' });
  expect((await pawl.health()).reasons).toEqual(['1 runs wait, and no worker is there.']);
  await admin.zadd(`${base}due`, 1, 'a');
  expect((await pawl.health()).reasons[0]).toContain('1 runs are due and nobody looks');
  // It goes on only after the answer: so the answer did not come from it.
  process.kill(server.pid, 'SIGSTOP');
  const hung = await pawl
    .health({ timeoutMs: 100 })
    .finally(() => process.kill(server.pid, 'SIGCONT'));
  expect(hung).toMatchObject({
    status: 'failed',
    reasons: ['The store did not answer within 100 ms.'],
  });
});

test('a drill measures each round, and leaves neither a key nor a process', async () => {
  await threeRuns();
  const before = (await admin.keys('*')).toSorted();
  const { stdout } = await runCli(['drill', '--rounds', '2', '--json', '--redis', server.url]);
  const report = JSON.parse(stdout) as DrillReport;
  expect(report).toMatchObject({ rounds: [{}, {}], keysLeft: 0 });
  for (const { detectMs, claimMs, replayMs, totalMs } of report.rounds) {
    expect(detectMs + claimMs + replayMs).toBeCloseTo(totalMs, 1);
    expect(Math.min(detectMs, claimMs, replayMs)).toBeGreaterThanOrEqual(0);
  }
  expect(report.max.totalMs).toBeGreaterThanOrEqual(report.p50.totalMs);
  expect((await admin.keys('*')).toSorted()).toEqual(before);
  await expect.poll(async () => String(await admin.client('LIST')).match(/^id=/gm)?.length).toBe(1);
});
