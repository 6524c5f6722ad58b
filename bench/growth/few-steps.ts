/** The workflow that workers share with whoever starts its runs. */
import { defineWorkflow } from '../../src/index.ts';

export const stepsPerRun = 10;

export const fewSteps = defineWorkflow({
  name: 'few-steps',
  async run(ctx) {
    for (let step = 0; step < stepsPerRun; step++) await ctx.step(`s${step}`, () => ({ step }));
  },
});
