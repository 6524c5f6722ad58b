// Goal: a worker that wake-ups do not reach notices it, says so and connects anew. Method: a proxy lets its connections
// hang without closing them, those of BullMQ among them; the run is started from elsewhere.
import { afterEach, expect, test } from 'vitest';
import { Pawl } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { startStallingProxy, type StallingProxy } from '../support/stalling-proxy.ts';
import { newPrefix } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

let server: RedisServer | undefined;
let proxy: StallingProxy | undefined;

afterEach(async () => {
  await proxy?.stop();
  await server?.stop();
});

/** A worker whose connections have just begun to hang, and a run that waits for it. */
async function cutOff(canaryMs: number) {
  server = await startRedisServer();
  proxy = await startStallingProxy(server.port);
  const prefix = newPrefix();
  const said: string[] = [];
  const note = (_: object, message: string): void => void said.push(message);
  const logger = { debug: () => undefined, info: note, warn: note, error: note };
  const there = await Pawl.open({ redis: proxy.url, prefix, callMs: 500, logger });
  const here = await Pawl.open({ redis: server.url, prefix });
  const worker = there.worker({ workflows: [ticks], canaryMs });
  expect(worker.readiness).toEqual({ ready: false, reason: 'it has not started yet' });
  await worker.ready();
  const first = await here.start(ticks, { count: 1 });
  await first.result();
  expect(worker.readiness).toEqual({ ready: true });
  proxy.stall();
  const run = await here.start(ticks, { count: 3 });
  const close = async (): Promise<void> => {
    await here.close();
    await there.close({ graceMs: 0 });
  };
  return { worker, run, said, close };
}

test('without canaries the silence of its connections is noticed, some seconds later', async () => {
  const { worker, run, said, close } = await cutOff(600_000);
  expect(await run.result({ timeoutMs: 25_000 })).toEqual({ sum: 3 });
  expect(worker.readiness).toEqual({ ready: true });
  expect(said).not.toContain('wake-ups do not reach this worker, connecting anew');
  await close();
});

test('a worker that wake-ups do not reach is not ready, says so, connects anew and takes the run', async () => {
  const { worker, run, said, close } = await cutOff(700);
  await expect
    .poll(() => worker.readiness, { timeout: 8_000, interval: 5 })
    .toEqual({ ready: false, reason: 'wake-ups for ticks do not reach it' });
  expect(await run.result()).toEqual({ sum: 3 });
  await expect.poll(() => worker.readiness, { timeout: 8_000 }).toEqual({ ready: true });
  const lines = said.filter((line) => line.includes('wake-ups'));
  expect(lines[0]).toBe('wake-ups do not reach this worker, connecting anew');
  expect(lines.at(-1)).toBe('wake-ups reach this worker again');
  await close();
});
