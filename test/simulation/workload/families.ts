/** Parents: they start children and wait for them, or fail and leave one that waits in vain and must be cancelled. */
import { z } from 'zod';
import { defineWorkflow } from '../../../src/engine/definition/workflow.ts';
import type { makeWork, WorkInput } from './ticks.ts';
import type { WorkloadParts } from './parts.ts';

const input = z.object({
  children: z.array(z.custom<WorkInput>()),
  attached: z.boolean(),
  /** Starts one more, which waits in vain, and fails. */
  leaves: z.boolean(),
});

export type ParentInput = z.infer<typeof input>;

/** Waits in vain: only a cancel ends it. */
const left: WorkInput = {
  count: 2,
  sleepMs: 0,
  waits: 'in vain',
  crowd: 0,
  bytes: 0,
  fails: false,
};

export function makeParent(
  { world, clock, outside }: WorkloadParts,
  work: ReturnType<typeof makeWork>,
) {
  return defineWorkflow({
    name: 'parent',
    input,
    async run(ctx, { children, attached, leaves }) {
      const started = [];
      for (const [i, child] of children.entries()) {
        started.push(await ctx.start(work, child, { as: `child${i}`, attached }));
      }
      if (leaves) await ctx.start(work, left, { as: 'left' });
      await ctx.step('between', async () => {
        outside.bodyBegins(ctx, 'between');
        await clock.sleep(world.between(0, 100));
      });
      if (leaves) throw new Error('leaves a child');
      const ends = started.map((child) =>
        child.result().then(
          ({ sum }) => sum,
          () => 'bad' as const,
        ),
      );
      return { ends: await Promise.all(ends) };
    },
  });
}
