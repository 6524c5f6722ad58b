/** `npm run example -- album`: the worker dies at the fifth of twelve photos; no photo that is done is done again. */
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { album } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  const { run } = await killAndResume(stage, {
    workflow: album,
    module: new URL('./workflow.js', import.meta.url),
    input: { photos: 12 },
    killAt: 'resize photo-5.jpg',
  });
  const { runs } = await run.children({ limit: 50 });
  const failed = runs.filter(({ status }) => status === 'failed');
  stage.say(`children: ${runs.length}, of them failed: ${failed.length}`);
}
