// Goal: when a pawl is closed, nothing of it keeps the process. Method: scripts that end by themselves, beside a Redis that
// is there and one that has been killed.
import { afterEach, expect, inject, test } from 'vitest';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { compiled, killChildren, spawnNode } from '../support/child.ts';

afterEach(killChildren);

/** Generous, for a machine that is busy: what would keep a process, a call's deadline, takes five seconds. */
async function endsWithin(ms: number, args: readonly string[]): Promise<void> {
  const child = spawnNode(compiled('test/support/closing-main.ts'), args);
  const ended = await child.waitFor(({ message }) => message === 'ended', 45_000);
  expect(ended['ms']).toBeLessThan(ms);
}

test('a script ends at once when its pawl is closed', async () => {
  await endsWithin(2_000, [inject('redisUrl')]);
});

test('a script ends also when Redis is gone', async () => {
  const server = await startRedisServer();
  try {
    await endsWithin(3_500, [server.url, String(server.pid)]);
  } finally {
    await server.stop();
  }
}, 60_000);
