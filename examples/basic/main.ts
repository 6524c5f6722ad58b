/** `npm run example -- basic`: the worker dies right after the checkpoint; then the log is read. */
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { report } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  const { run } = await killAndResume(stage, {
    workflow: report,
    module: new URL('./workflow.js', import.meta.url),
    input: { topic: 'ratchets' },
    killAt: (event) => event.type === 'checkpoint.saved',
  });

  stage.say('\nWhat happened, from the log of the run:');
  for await (const event of run.events()) {
    const { name, label, metadata } = event.data as Record<string, unknown>;
    const details = [name, label, metadata].filter((value) => value !== undefined);
    const text = details.map((value) => JSON.stringify(value)).join(' ');
    stage.say(`  ${event.seq} ${event.type} ${text}`.trimEnd());
  }
}
