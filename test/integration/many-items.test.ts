// Goal: a run of very many children, or of a map of very many items, needs little memory. Method: a worker process with so
// little heap that all items at once would not fit; `npm run bench:many` plays the long form.
import { afterAll, expect, inject, test } from 'vitest';
import { compiled, killChildren, spawnNode } from '../support/child.ts';
import { playMany } from '../support/many-runs-in-little.ts';
import { album, sums } from '../support/many-workflows.ts';
import { newPrefix, openPawl } from '../support/workers.ts';

afterAll(killChildren);

test.each([
  ['1,000 children', album, 1_000],
  ['a map of 20,000 items', sums, 20_000],
] as const)(
  '%s in a worker with 64 MB of heap',
  { timeout: 180_000 },
  async (_, workflow, count) => {
    const [url, prefix] = [inject('redisUrl'), newPrefix()];
    await using pawl = await openPawl(url, prefix);
    const worker = spawnNode(compiled('test/support/many-main.ts'), [url, prefix], {
      nodeArgs: ['--max-old-space-size=64'],
    });
    await worker.waitFor(({ message }) => message === 'ready');
    const { result } = await playMany(pawl, worker, workflow, count);
    expect(result.completed).toBe(count);
    worker.kill();
  },
);
