// Goal: a failed job does not outlive the failure of its run, also when the process is killed that should have dropped it.
// Method: SIGKILL between what is done to the run and the tidying; the sweeper of a worker is left.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, expect, inject, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { compiled, killChildren, spawnNode } from '../support/child.ts';
import { newPrefix } from '../support/workers.ts';

afterEach(killChildren);

test('failed jobs of runs that were resumed or deleted go when whoever did it was killed', async () => {
  const [url, prefix] = [inject('redisUrl'), newPrefix()];
  const lines: string[] = [];
  const logger = {
    debug: (_: object, text: string): void => void lines.push(text),
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  await using pawl = await Pawl.open({ redis: url, prefix, logger });
  let isBroken = true;
  const fragile = defineWorkflow({
    name: 'fragile',
    run: () => {
      if (isBroken) throw new Error('not yet');
      return 'whole';
    },
  });
  pawl.worker({ workflows: [fragile] });
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue(fragile.name, { connection, prefix: `{${prefix}}:bull` });
  try {
    for (const id of ['resumed', 'deleted', 'still-failed']) {
      const run = await pawl.start(fragile, undefined, { id });
      await expect(run.result()).rejects.toThrow();
    }
    await expect.poll(() => queue.getFailedCount()).toBe(3);
    isBroken = false;
    for (const [run, act] of [
      ['resumed', 'resume'],
      ['deleted', 'delete'],
    ]) {
      const setup = JSON.stringify({ url, prefix, run, act });
      const { signal } = await spawnNode(compiled('test/support/tidying-main.ts'), [setup]).exit;
      expect(signal).toBe('SIGKILL');
    }
    expect(await pawl.run(fragile, 'resumed').result()).toBe('whole');
    const runsOf = async (): Promise<unknown[]> =>
      (await queue.getFailed()).map(({ data }) => (data as { run: string }).run);
    await expect.poll(runsOf, { timeout: 40_000 }).toEqual(['still-failed']);
    // It was the sweeper, not the process that was killed.
    expect(lines).toContain('failed jobs of runs that have not failed');
  } finally {
    await queue.close();
    connection.disconnect();
  }
});
