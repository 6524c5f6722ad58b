// Goal: a message that comes for a run at work is found, also when Redis gives no answer in that moment. Method: a store in
// memory that fails to read an inbox the first times it is asked.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { UnavailableError } from '../../src/core/errors.ts';
import type { Mail } from '../../src/core/store.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { memoryPawl } from '../support/memory.ts';

test('an inbox that could not be read is read again, while a handler waits in place', async () => {
  let failures = 3;
  class ForgetfulStore extends MemoryRunStore {
    override async mail(run: string): Promise<Mail> {
      failures -= 1;
      if (failures >= 0) throw new UnavailableError('mail', 'not-applied');
      return super.mail(run);
    }
  }
  await using pawl = memoryPawl({ store: new ForgetfulStore() }).pawl;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const busy = defineWorkflow({
    name: 'busy',
    signals: { go: z.object({ by: z.string() }) },
    async run(ctx) {
      // A step at work keeps the run from being parked, so nothing reads its inbox but the news of a message.
      const step = ctx.step('work', () => finished);
      const go = await ctx.waitFor('go');
      finish();
      await step;
      return go?.by;
    },
  });
  pawl.worker({ workflows: [busy] });
  const run = await pawl.start(busy, undefined);
  while ((await run.info()).status !== 'running') await new Promise((r) => setTimeout(r, 5));
  await run.signal('go', { by: 'ada' });
  expect(await run.result({ timeoutMs: 5000 })).toBe('ada');
  expect(failures).toBe(-1);
});
