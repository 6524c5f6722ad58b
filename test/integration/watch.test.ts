// Goal: who waits for a result is not woken by each event of the run. Method: a server of its own counts the reads.
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { openPawl } from '../support/workers.ts';

const long = defineWorkflow({
  name: 'long',
  async run(ctx) {
    for (let step = 0; step < 300; step++) await ctx.step(`s${step}`, () => step);
    return 'done';
  },
});

test('waiting for a result reads the record a few times, however many events come', async () => {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  const pawl = await openPawl(server.url, 'pawl');
  const run = await pawl.start(long, undefined);
  const result = run.result();
  await redis.config('RESETSTAT');
  // The sweeper looks at records by itself; it is made rare.
  pawl.worker({ workflows: [long], sweepMs: 60_000 });
  expect(await result).toBe('done');
  const stats = await redis.info('commandstats');
  const reads = Number(/cmdstat_hgetall:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  // Two hashes at the claim, at its end and at each poll meanwhile: far from one for each event.
  expect(reads).toBeLessThan(60);
  redis.disconnect();
  await pawl.close();
  await server.stop();
});
