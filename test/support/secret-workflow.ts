/** A workflow that puts one secret into everything a workflow can store. */
import { defineWorkflow, type Pawl, type RunHandle } from 'pawl';
import { z } from 'zod';

export const secret = 'Xq7vLk2pTr9zWm4b';

const text = z.object({ text: z.string() });

const child = defineWorkflow({
  name: 'child',
  input: text,
  run: (_ctx, input) => ({ got: input.text }),
});

export const keeper = defineWorkflow({
  name: 'keeper',
  input: text,
  state: z.object({ texts: z.array(z.string()).default([]), last: z.string().default('') }),
  events: { noted: text },
  reduce: { noted: (state, { text: one }) => ({ ...state, texts: [...state.texts, one] }) },
  signals: { told: text },
  async run(ctx, input) {
    const step = await ctx.step('read', () => `step ${input.text}`);
    await ctx.emit('noted', { text: `event ${input.text}` });
    await ctx.set({ last: `state ${input.text}` });
    ctx.progress(0.5, `progress ${input.text}`);
    await ctx.checkpoint({ label: `label ${input.text}`, metadata: { note: input.text } });
    const retried = await ctx.step(
      'retried',
      ({ attempt }) => {
        if (attempt === 1) throw new Error(`failed with ${input.text}`);
        return input.text;
      },
      { retry: { attempts: 2, delay: 1 } },
    );
    const begun = await ctx.start(child, { text: `child ${input.text}` }, { as: 'one' });
    const grown = await begun.result();
    const told = await ctx.waitFor('told');
    return { step, retried, grown, told: told?.text };
  },
});

export const loser = defineWorkflow({
  name: 'loser',
  input: text,
  async run(ctx, input) {
    await ctx.step('bad', () => {
      throw new Error(`lost ${input.text}`);
    });
  },
});

export const secretWorkflows = [keeper, child, loser];

/** Runs all of it once: a run to its end, a failed one, a cancelled one, a paused one, a fork, a schedule. */
export async function keepSecrets(pawl: Pawl): Promise<RunHandle> {
  const worker = pawl.worker({ workflows: secretWorkflows });
  await worker.ready();
  const run = await pawl.start(keeper, { text: secret }, { id: 'kept' });
  await run.signal('told', { text: `signal ${secret}` });
  await run.result({ timeoutMs: 20_000 });
  const lost = await pawl.start(loser, { text: secret }, { id: 'lost' });
  await lost.result({ timeoutMs: 20_000 }).catch(() => undefined);
  const left = await pawl.start(keeper, { text: secret }, { id: 'left' });
  await left.pause({ reason: `pause ${secret}` });
  await left.resume({ reason: `resume ${secret}` });
  await left.cancel({ reason: `cancel ${secret}` });
  await left.result({ timeoutMs: 20_000 }).catch(() => undefined);
  const late = await pawl.start(keeper, { text: secret }, { id: 'late', delay: '1h' });
  await late.cancel({ reason: `cancel ${secret}` });
  const forked = await pawl.fork(keeper, 'kept', { step: 'read' }, { id: 'forked' });
  await forked.signal('told', { text: secret });
  await forked.result({ timeoutMs: 20_000 });
  await pawl.schedule(loser, { text: secret }, { id: 'often', every: '200ms' });
  for (let tries = 0; tries < 100; tries++) {
    const { runs } = await pawl.list({ tag: { key: 'schedule', value: 'often' } });
    if (runs.some(({ status }) => status === 'failed')) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await pawl.unschedule(loser, 'often');
  return run;
}
