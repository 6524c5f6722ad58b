// Goal: the printed access rules are enough for everything pawl does, and for nothing else. Method: a private server, a
// user made from the printed text, and the server's own log of refusals as the witness.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Logger, Pawl } from 'pawl';
import { aclCommands } from '../../src/redis/acl.ts';
import { killChildren } from '../support/child.ts';
import { type LimitedServer, runCli, startLimitedServer } from '../support/limited-user.ts';
import { keepSecrets, keeper } from '../support/secret-workflow.ts';
import { ticks } from '../support/workflows.ts';
import { allEvents, checkLog, firstEvent, openPawl, startWorker } from '../support/workers.ts';

let limited: LimitedServer;

beforeAll(async () => {
  limited = await startLimitedServer();
});

afterEach(async () => {
  await killChildren();
  await limited.admin.acl('LOG', 'RESET');
});

afterAll(() => limited.stop());

test('steps, signals, children, forks, schedules, lists and deletes work as that user', async () => {
  const url = await limited.allow('one');
  await using pawl = await openPawl(url, 'one');
  await keepSecrets(pawl);
  expect((await pawl.list({ workflow: 'keeper' })).runs.length).toBeGreaterThan(2);
  const lines: string[] = [];
  for await (const line of pawl.export('kept')) lines.push(line);
  expect(await pawl.delete('kept')).toBe(true);
  expect(await pawl.import(lines)).toMatchObject({ runs: 1 });
  expect(await pawl.delete('kept')).toBe(true);
  expect(await pawl.schedules(keeper)).toEqual([]);
  expect(await limited.refused()).toEqual([]);
});

test('a killed worker’s run is taken over by its presence, and BullMQ tells of it, as that user', async () => {
  const url = await limited.allow('two');
  await using pawl = await openPawl(url, 'two');
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const events = new QueueEvents('ticks', { connection, prefix: '{two}:bull' });
  await events.waitUntilReady();
  const completed = new Promise((resolve) => events.once('completed', resolve));
  const workers = [
    await startWorker({ url, prefix: 'two' }),
    await startWorker({ url, prefix: 'two' }),
  ];
  const run = await pawl.start(ticks, { count: 20, paceMs: 20 });
  await firstEvent(run, ({ type }) => type === 'tick');
  const { worker: holder } = await run.info();
  workers.find(({ id }) => id === holder)?.child.kill('SIGKILL');
  expect(await run.result()).toEqual({ sum: 190 });
  const log = await allEvents(run);
  checkLog(log);
  expect(log.find(({ type }) => type === 'run.interrupted')?.data).toMatchObject({
    reason: 'presence-lost',
  });
  await completed;
  await events.close();
  connection.disconnect();
  expect(await limited.refused()).toEqual([]);
});

describe('refused to that user', () => {
  const own = '{three}:x';
  test.each([
    ['a key of nobody', ['GET', 'other']],
    ['a key of another prefix', ['HGETALL', '{threefold:0}:run:a']],
    ['a key of another prefix with one shard', ['GET', '{other}:config']],
    ['a key that only begins like one', ['GET', '{three']],
    ['another key in a script', ['EVAL', "return redis.call('GET', 'other')", 1, own]],
    ['a rename out of the prefix', ['RENAME', own, 'other']],
    ['another channel', ['SPUBLISH', '{other:0}:changed:a', 'x']],
    ['every plain channel', ['PUBLISH', '{three:0}:changed:a', 'x']],
    ['CONFIG', ['CONFIG', 'GET', 'requirepass']],
    ['CONFIG in a script', ['EVAL', "return redis.call('CONFIG', 'GET', '*')", 0]],
    ['FLUSHALL', ['FLUSHALL']],
    ['FLUSHDB', ['FLUSHDB']],
    ['KEYS', ['KEYS', '*']],
    ['SCAN', ['SCAN', '0']],
    ['RANDOMKEY', ['RANDOMKEY']],
    ['MONITOR', ['MONITOR']],
    ['DEBUG', ['DEBUG', 'SLEEP', '0']],
    ['SHUTDOWN', ['SHUTDOWN', 'NOSAVE']],
    ['REPLICAOF', ['REPLICAOF', 'NO', 'ONE']],
    ['CLIENT KILL', ['CLIENT', 'KILL', 'TYPE', 'normal']],
    ['SCRIPT FLUSH', ['SCRIPT', 'FLUSH']],
    ['FUNCTION', ['FUNCTION', 'FLUSH']],
    ['MODULE', ['MODULE', 'LIST']],
    ['ACL', ['ACL', 'LIST']],
    ['DUMP', ['DUMP', own]],
    ['MIGRATE', ['MIGRATE', '127.0.0.1', '1', own, '0', '1']],
  ] as const)('%s', async (_, [command, ...args]) => {
    const redis = new Redis(await limited.allow('three'));
    try {
      await expect(redis.call(command, ...args)).rejects.toThrow(
        /NOPERM|ACL failure|executing the script can't|not allowed from script|DEBUG command not allowed/,
      );
      await redis.set(own, '1');
      expect(await redis.get(own)).toBe('1');
    } finally {
      redis.disconnect();
    }
  });

  test('a pawl with another prefix: one clear error', async () => {
    const url = await limited.allow('four');
    await expect(openPawl(url, 'five')).rejects.toMatchObject({
      code: 'PAWL_REDIS_CONFIG',
      message: expect.stringContaining('NOPERM'),
    });
  });
});

test('a script that is refused a command: one clear error, and nothing was written', async () => {
  const url = await limited.allow('seven', ['-xadd']);
  await using pawl = await openPawl(url, 'seven');
  await expect(pawl.start(ticks, { count: 1 }, { id: 'a' })).rejects.toMatchObject({
    code: 'PAWL_REDIS_CONFIG',
    outcome: 'not-applied',
  });
  expect(await limited.admin.keys('{seven:*')).toEqual([]);
});

test('where INFO and the counting of listeners are refused, pawl says so and works without presence', async () => {
  const url = await limited.allow('six', ['-info', '-pubsub|shardnumsub']);
  const said: string[] = [];
  const say = (_: object, message: string): void => void said.push(message);
  const logger: Logger = { debug: () => undefined, info: say, warn: say, error: say };
  await using pawl = await Pawl.open({ redis: url, prefix: 'six', logger });
  const workers = [
    pawl.worker({ workflows: [ticks], sessionMs: 800, beatMs: 200 }),
    pawl.worker({ workflows: [ticks], sessionMs: 800, beatMs: 200 }),
  ];
  await Promise.all(workers.map((worker) => worker.ready()));
  const run = await pawl.start(ticks, { count: 5, paceMs: 1 });
  expect(await run.result({ timeoutMs: 20_000 })).toEqual({ sum: 10 });
  expect(said.join('\n')).toMatch(/redis refuses INFO to this user: .*\+info/);
  expect(said.join('\n')).toMatch(/presence does not work here/);
  expect((await pawl.workers()).map(({ presence }) => presence)).toEqual([false, false]);

  // A worker that dies without presence is found when its session ends.
  const child = await startWorker({ url, prefix: 'six', worker: { sessionMs: 800, beatMs: 200 } });
  const sole = await pawl.start(ticks, { count: 40, paceMs: 20 });
  await firstEvent(sole, ({ type }) => type === 'tick');
  child.child.kill('SIGKILL');
  expect(await sole.result({ timeoutMs: 20_000 })).toEqual({ sum: 780 });
});

test('every command that is allowed is one that pawl or BullMQ sends', async () => {
  const root = new URL('../../', import.meta.url);
  const texts: string[] = [];
  for (const folder of [
    'src/redis/',
    'src/redis/lua/',
    'node_modules/bullmq/dist/cjs/scripts/',
    'node_modules/bullmq/dist/cjs/classes/',
    'node_modules/ioredis/built/',
    'node_modules/ioredis/built/cluster/',
    'node_modules/ioredis/built/redis/',
  ]) {
    const path = fileURLToPath(new URL(folder, root));
    for (const name of await readdir(path)) {
      if (/\.(ts|lua|js)$/.test(name) && name !== 'acl.ts')
        texts.push(await readFile(path + name, 'utf8'));
    }
  }
  const all = texts.join('\n').toLowerCase();
  const unused = aclCommands.filter((command) => {
    const [name = '', sub = ''] = command.split('|');
    const spelled = new RegExp(`(['"\`]${name}\\\\?['"\`]|\\.${name}(buffer)?\\()`);
    return !spelled.test(all) || !all.includes(sub);
  });
  expect(unused).toEqual([]);
});

test.each([
  [['doctor', '--acl', '--prefix', '*'], /prefix "\*" has characters outside/],
  [['doctor', '--acl', '--user', 'a b'], /--user must be/],
  [['doctor', '--acl', '--nonsense'], /nonsense/],
  [['nonsense'], /unknown command 'nonsense'/],
  [[], /Usage:/],
])(
  'pawl %j: exit code 2, the reason on standard error, nothing on standard output',
  async (args, said) => {
    await expect(runCli(args)).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(said),
    });
  },
);

test('pawl --help', async () => {
  expect((await runCli(['--help'])).stdout).toContain('doctor');
  expect((await runCli(['doctor', '--help'])).stdout).toContain('--acl');
});
