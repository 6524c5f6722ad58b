/**
 * `npm run bench:many`: what a run with 10,000 children and a map of 100,000 items take, on a worker with 256 MB of heap for
 * each. The worker ends when it needs more.
 */
import { Pawl } from '../src/index.ts';
import { startRedisServer } from '../src/testing/redis-server.ts';
import { compiled, spawnNode } from '../test/support/child.ts';
import { playMany } from '../test/support/many-runs-in-little.ts';
import { album, sums } from '../test/support/many-workflows.ts';

const cases = [
  { what: 'children', workflow: album, count: 10_000 },
  { what: 'items of a map', workflow: sums, count: 100_000 },
] as const;

for (const { what, workflow, count } of cases) {
  const server = await startRedisServer();
  const pawl = await Pawl.open({ redis: server.url, prefix: 'many' });
  const worker = spawnNode(compiled('test/support/many-main.ts'), [server.url, 'many'], {
    nodeArgs: ['--max-old-space-size=256'],
  });
  try {
    await worker.waitFor(({ message }) => message === 'ready');
    const { result, seconds, heapMb, rssMb } = await playMany(pawl, worker, workflow, count);
    process.stdout.write(
      `${count} ${what}: ${result.completed} completed, ${seconds.toFixed(1)} s, heap ${heapMb} MB, resident ${rssMb} MB\n`,
    );
  } finally {
    worker.kill();
    await pawl.close();
    await server.stop();
  }
}
