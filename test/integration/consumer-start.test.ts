// Goal: a worker that starts while its connection to the queue is cut starts all the same, and one that is closed meanwhile
// says so. Method: the first connections of its consumer lead to a server that hangs up.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, inject, onTestFinished, test } from 'vitest';
import { BullResumeQueue } from '../../src/bullmq/resume-queue.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { Pawl } from 'pawl';
import { createConnection } from '../../src/redis/connection.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { newPrefix } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

/** A pawl whose consumers get so many connections that are cut at once. */
async function pawlWithCuts(cuts: number): Promise<{ pawl: Pawl; made: () => number }> {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const nowhere = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [redis, prefix] = [inject('redisUrl'), newPrefix()];
  const logger = silentLogger;
  const store = await RedisRunStore.open({ redis, prefix, logger });
  let made = 0;
  const queue = new BullResumeQueue({
    evaluate: (lua, keys) => store.evaluate(lua, keys),
    connect: (purpose) => {
      if (!purpose.blocking) return store.connectionFor(purpose);
      made += 1;
      return made <= cuts
        ? createConnection(nowhere, { socketTimeout: 0 })
        : store.connectionFor(purpose);
    },
    prefix: `{${prefix}}:bull`,
    logger,
  });
  return { pawl: Pawl.assemble({ store, queue, logger }), made: () => made };
}

test('a consumer whose first connections are cut is made again', async () => {
  const { pawl, made } = await pawlWithCuts(2);
  await using _ = pawl;
  const worker = pawl.worker({ workflows: [ticks] });
  await worker.ready();
  expect(made()).toBe(3);
  const run = await pawl.start(ticks, { count: 2 });
  expect(await run.result({ timeoutMs: 20_000 })).toEqual({ sum: 1 });
});

test('a worker that is closed while it starts says that it was closed', async () => {
  const { pawl, made } = await pawlWithCuts(1_000);
  const worker = pawl.worker({ workflows: [ticks] });
  const ready = expect(worker.ready()).rejects.toMatchObject({ code: 'PAWL_CLOSED' });
  await expect.poll(made).toBeGreaterThan(0);
  await pawl.close();
  await ready;
});
