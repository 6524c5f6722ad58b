/** Whole runs of pawl, through its entry point. A run has ended when its durable result is here. */
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import type { Bed, Caller, WorkerSetup } from './bed.ts';
import { resultOf, shapeOf } from './shapes.ts';

function playing(begun: (id: string) => void) {
  return defineWorkflow({
    name: 'playing',
    input: z.object({ id: z.string(), shape: z.string() }),
    async run(ctx, { id, shape }) {
      for (const [step, bytes] of shapeOf(shape).sizes.entries()) {
        await ctx.step(`s${step}`, () => {
          if (step === 0) begun(id);
          return resultOf(step, bytes);
        });
      }
    },
  });
}

function callerOf(pawl: Pawl, workflow: ReturnType<typeof playing>): Caller {
  return {
    start: async (id, shape) => {
      const run = await pawl.start(workflow, { id, shape }, { id });
      return { ended: run.result() };
    },
    close: () => pawl.close(),
  };
}

async function open({ url, concurrency, begun }: WorkerSetup) {
  const workflow = playing(begun);
  const pawl = await Pawl.open({ redis: url });
  await pawl.worker({ workflows: [workflow], concurrency }).ready();
  return { pawl, workflow };
}

export const pawlBed: Bed = {
  async both(setup) {
    const { pawl, workflow } = await open(setup);
    return callerOf(pawl, workflow);
  },
  async worker(setup) {
    const { pawl } = await open(setup);
    return { close: () => pawl.close() };
  },
  async caller(url) {
    return callerOf(
      await Pawl.open({ redis: url }),
      playing(() => undefined),
    );
  },
};
