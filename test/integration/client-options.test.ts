// Goal: whatever options of ioredis an application uses everywhere, pawl works with them or names the one it refuses.
// Method: each hostile option by itself, in options, in a URL, in an instance; a run must be executed and a schedule saved.
import { afterEach, expect, inject, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { defineWorkflow, Pawl, PawlError, type RedisTarget } from 'pawl';
import { startRedisCluster } from '../support/cluster.ts';
import { newPrefix } from '../support/workers.ts';
import { calmTimeOf } from '../support/calm-time.ts';

const quick = defineWorkflow({ name: 'quick', run: async (ctx) => ctx.step('one', () => 1) });
const closers: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Opens, executes a run, saves a schedule. */
async function use(redis: RedisTarget): Promise<Pawl> {
  const pawl = await Pawl.open({ redis, prefix: newPrefix() });
  closers.push(() => pawl.close());
  await pawl.worker({ workflows: [quick] }).ready();
  const run = await pawl.start(quick, undefined);
  expect(await run.result({ timeoutMs: 5000 })).toBe(1);
  await pawl.schedule(quick, undefined, { id: 'hourly', every: '1h' });
  return pawl;
}

function here(): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(inject('redisUrl'));
  return { host: hostname, port: Number(port) };
}

/** Every one of them breaks calls that are to be sent again, to wait, or to come back in a certain shape. */
const hostile: readonly RedisOptions[] = [
  { commandTimeout: 50 },
  { socketTimeout: 20 },
  { blockingTimeout: 10 },
  { stringNumbers: true },
  { enableAutoPipelining: true },
  { maxRetriesPerRequest: 1, enableOfflineQueue: false },
  { autoResendUnfulfilledCommands: false, autoResubscribe: true },
  { protocol: 2 },
  { replyMapping: 'resp3' },
  { retryStrategy: () => null, reconnectOnError: () => true },
  { readOnly: true },
  { monitor: true },
  { lazyConnect: false, noDelay: false, keepAlive: 0, enableReadyCheck: false },
  { connectionName: 'my app', disableClientInfo: true, showFriendlyErrorStack: true },
];

test.each(hostile.map((options) => [Object.keys(options).join(', '), options] as const))(
  'with %s a run is executed',
  async (_, options) => {
    await use({ ...here(), ...options });
  },
);

test('an instance with all of them at once will do', async () => {
  const [first, ...others] = hostile.filter(({ monitor }) => monitor !== true);
  const options = Object.assign({}, first, ...others) as RedisOptions;
  const instance = new Redis({ ...here(), ...options, replyMapping: 'legacy', lazyConnect: true });
  closers.push(() => instance.disconnect());
  await use(instance);
  expect(instance.status).toBe('wait');
});

test('options in the query of a URL are treated alike', async () => {
  const url = inject('redisUrl');
  await use(`${url}?stringNumbers=true&enableAutoPipelining=true&retryStrategy=none&lazyConnect=`);
  await use(`${url}?connectionName=mine&family=4`);
});

test('an idle worker with a commandTimeout begins a new run at once', async () => {
  const pawl = await use({ ...here(), commandTimeout: 100 });
  await sleep(1500);
  const ms = await calmTimeOf(async () => (await pawl.start(quick, undefined)).result());
  expect(ms).toBeLessThan(1000);
});

test('an instance of another copy of ioredis will do', async () => {
  // What a copy has in common with ours: its fields, not its class.
  const options = { ...here(), commandTimeout: 50 };
  const other = { isCluster: false, options, duplicate: () => undefined, status: 'wait' };
  await use(other as unknown as Redis);
});

test('a cluster works with hostile options of its nodes, and reads from masters', async () => {
  const cluster = await startRedisCluster({ masters: 3 });
  closers.push(() => cluster.stop());
  const nodes = [...cluster.nodes];
  const options = {
    scaleReads: 'slave',
    enableAutoPipelining: true,
    maxRedirections: 0,
    redisOptions: { commandTimeout: 50, stringNumbers: true, autoResendUnfulfilledCommands: false },
  } as const;
  await use({ nodes, options });
  for (const refused of [{ keyPrefix: 'app:' }, { redisOptions: { keyPrefix: 'app:' } }]) {
    await expect(Pawl.open({ redis: { nodes, options: refused } })).rejects.toMatchObject({
      code: 'PAWL_INVALID',
      field: 'redis.keyPrefix',
    });
  }
}, 60_000);

test('a keyPrefix is refused by its name, wherever it comes from', async () => {
  const instance = new Redis({ ...here(), keyPrefix: 'app:', lazyConnect: true });
  closers.push(() => instance.disconnect());
  const targets = [{ ...here(), keyPrefix: 'app:' }, instance, `${inject('redisUrl')}?keyPrefix=a`];
  for (const redis of targets) {
    const error: unknown = await Pawl.open({ redis }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PAWL_INVALID', field: 'redis.keyPrefix' });
    expect((error as Error).message).toContain('Pawl.open({ prefix })');
  }
  await use({ ...here(), keyPrefix: '' });
});

test('replicas behind sentinels are refused', async () => {
  const redis = { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'mymaster', role: 'slave' };
  const opening = Pawl.open({ redis: redis as RedisOptions });
  await expect(opening).rejects.toMatchObject({ code: 'PAWL_INVALID', field: 'redis.role' });
});

test('what names no server is told at once', async () => {
  for (const redis of [undefined, null, '', 6379, [], () => undefined]) {
    const error: unknown = await Pawl.open({ redis: redis as never }).catch((e: unknown) => e);
    expect(PawlError.is(error)).toBe(true);
    const field = expect.stringContaining('redis') as string;
    expect(error).toMatchObject({ code: 'PAWL_INVALID', field });
  }
});
