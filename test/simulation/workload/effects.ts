/** Effects, one of each policy: what happens outside happens in the middle of their bodies, which may fail on both sides. */
import { z } from 'zod';
import type { Clock } from '../../../src/core/clock.ts';
import type { Doubt } from '../../../src/engine/definition/context.ts';
import { defineWorkflow } from '../../../src/engine/definition/workflow.ts';
import type { World } from '../world.ts';
import type { WorkloadParts } from './parts.ts';

export const doubts = ['retry', 'skip', 'ask', 'probe'] as const;
export type DoubtName = (typeof doubts)[number];

const input = z.object({ doubts: z.array(z.enum(doubts)) });

export type PayInput = z.infer<typeof input>;

/** Results that each policy may have at the end. */
export const resultsOf: Readonly<Record<DoubtName, readonly unknown[]>> = {
  retry: ['paid'],
  skip: ['paid', undefined],
  ask: ['paid', 'decided'],
  probe: ['paid', 'found'],
};

export function makePay({ world, clock, outside }: WorkloadParts) {
  return defineWorkflow({
    name: 'pay',
    input,
    retry: { attempts: 4, delay: 200 },
    async run(ctx, { doubts: names }) {
      const results: unknown[] = [];
      for (const name of names) {
        const onDoubt: Doubt<string> =
          name === 'probe'
            ? () =>
                outside.probe(ctx.run, name)
                  ? { happened: true, result: 'found' }
                  : { happened: false }
            : name;
        const body = async (): Promise<string> => {
          await mayFail(world, clock);
          outside.happen(ctx.run, name);
          await mayFail(world, clock);
          return 'paid';
        };
        results.push(await ctx.effect(name, body, { onDoubt }));
      }
      return { results };
    },
  });
}

async function mayFail(world: World, clock: Clock): Promise<void> {
  await clock.sleep(world.between(0, 60));
  if (world.chance(0.08)) throw new Error('failed on the way');
}
