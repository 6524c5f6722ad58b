/** `npm run example -- pipeline`: the worker dies when three of eight items are done. */
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { pipeline } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  let done = 0;
  await killAndResume(stage, {
    workflow: pipeline,
    module: new URL('./workflow.js', import.meta.url),
    input: { pages: 8 },
    killAt({ type, data }) {
      const { name } = data as { name?: string };
      if (type === 'step.completed' && name?.startsWith('transform:')) done += 1;
      return done === 3;
    },
  });
}
