// Goal: Redis may be absent, vanish, and come back; workers wait and go on, and nothing acknowledged is lost. Method: a
// private server that is killed and restarted with its append-only file, and a list of what callers were told.
import { afterEach, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pawl } from 'pawl';
import { freePort, startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { killChildren } from '../support/child.ts';
import { ticks } from '../support/workflows.ts';
import {
  allEvents,
  checkLog,
  firstEvent,
  newPrefix,
  spawnWorker,
  startWorker,
} from '../support/workers.ts';

const servers: RedisServer[] = [];

async function startServer(
  options: Parameters<typeof startRedisServer>[0] = {},
): Promise<RedisServer> {
  const server = await startRedisServer(options);
  servers.push(server);
  return server;
}

afterEach(async () => {
  await killChildren();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

test('a worker that starts before Redis waits for it', async () => {
  const port = await freePort();
  const setup = { url: `redis://127.0.0.1:${port}`, prefix: newPrefix() };
  const child = spawnWorker(setup);
  await child.waitFor((message) => message['message'] === 'redis connection failed, trying again');
  await startServer({ port });
  await child.waitFor((message) => message['message'] === 'ready');
  await using pawl = await Pawl.open({ redis: setup.url, prefix: setup.prefix });
  const run = await pawl.start(ticks, { count: 3 });
  expect(await run.result()).toEqual({ sum: 3 });
});

test('Pawl.open says what to do when there is no Redis, and that nothing was written', async () => {
  const redis = `redis://127.0.0.1:${await freePort()}`;
  await expect(Pawl.open({ redis, connectMs: 300 })).rejects.toMatchObject({
    code: 'PAWL_UNAVAILABLE',
    outcome: 'not-applied',
    message: expect.stringMatching(/start one there.*nothing was written/),
  });
});

test('ten seconds without Redis lose no acknowledged event, and the same workers go on', async () => {
  const server = await startServer({ config: { appendfsync: 'always' } });
  const setup = { url: server.url, prefix: newPrefix() };
  await using pawl = await Pawl.open({ redis: setup.url, prefix: setup.prefix });
  const workers = [await startWorker(setup), await startWorker(setup)];
  const runs = await Promise.all(
    Array.from({ length: 6 }, () => pawl.start(ticks, { count: 60, paceMs: 30 })),
  );
  const acknowledged = new Map<string, number>();
  for (const run of runs) {
    const event = await firstEvent(
      run,
      ({ type, data }) => type === 'tick' && (data as { i: number }).i === 5,
    );
    acknowledged.set(run.id, event.seq);
  }
  await server.kill();
  await sleep(10_000);
  await server.restart();
  for (const run of runs) {
    expect(await run.result()).toEqual({ sum: 1770 });
    const events = await allEvents(run);
    checkLog(events);
    const ticked = events
      .filter(({ type }) => type === 'tick')
      .map(({ data }) => (data as { i: number }).i);
    expect(ticked).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(events.length).toBeGreaterThan(acknowledged.get(run.id) ?? Infinity);
    expect(events.map(({ type }) => type)).not.toContain('run.rewound');
  }
  for (const { child } of workers) child.kill('SIGTERM');
  for (const { child } of workers) expect(await child.exit).toEqual({ code: 0, signal: null });
});
