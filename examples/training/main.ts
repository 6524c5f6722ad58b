/**
 * `npm run example -- training`: saved every 5 epochs, killed in epoch 8; epochs 1 to 5 do not run again. The next run of
 * the team waits for its turn meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { training } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  const { run } = await killAndResume(stage, {
    workflow: training,
    module: new URL('./workflow.js', import.meta.url),
    input: { epochs: 12, every: 5 },
    key: 'vision-team',
    killAt: 'train epoch 8',
    async meanwhile() {
      const next = await stage.pawl.start(
        training,
        { epochs: 1, every: 1 },
        { key: 'vision-team' },
      );
      await pause(200);
      stage.say(`the next run of the team is ${(await next.info()).status}`);
      await next.cancel();
    },
  });

  stage.say('\nCheckpoints of the run:');
  for await (const { type, data, at } of run.events()) {
    if (type !== 'checkpoint.saved') continue;
    const { label, metadata } = data as { label: string; metadata: { loss: number } };
    stage.say(`  ${label}, loss ${metadata.loss}, saved ${at.toISOString()}`);
  }
}
