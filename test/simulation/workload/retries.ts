/** A step that fails now and then, with pauses in which its run is parked. */
import { z } from 'zod';
import { backoffMs, type RetryPolicy } from '../../../src/core/policy.ts';
import { defineWorkflow } from '../../../src/engine/definition/workflow.ts';
import type { WorkloadParts } from './parts.ts';

const retry: RetryPolicy = { attempts: 4, delay: 1_500 };

export function makeShaky({ world, clock, outside }: WorkloadParts) {
  return defineWorkflow({
    name: 'shaky',
    input: z.object({}),
    async run(ctx) {
      return ctx.step(
        'shaky',
        async ({ attempt }) => {
          outside.bodyBegins(ctx, 'shaky');
          outside.attemptBegins(ctx.run, attempt, backoffMs(retry, attempt, 0));
          await clock.sleep(world.between(0, 50));
          if (world.chance(0.5)) {
            outside.attemptFails(ctx.run, attempt);
            throw new Error('shaky');
          }
          return { attempt };
        },
        { retry },
      );
    },
  });
}
