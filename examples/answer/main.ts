/** `npm run example -- answer`: the worker dies in the middle of an answer, and its readers drop the half. */
import type { RunHandle } from 'pawl';
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { answer } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  let live: Promise<void> = Promise.resolve();
  const { run } = await killAndResume(stage, {
    workflow: answer,
    module: new URL('./workflow.js', import.meta.url),
    input: { question: 'What is a pawl?' },
    killAt: 'word 9',
    async meanwhile(answering) {
      // As a page that is loaded anew: first what is kept, then what comes.
      live = tell(stage, answering);
    },
  });
  await live;
  let chunks = 0;
  for await (const _ of run.output()) chunks += 1;
  stage.say(`chunks that are kept: ${chunks}, with those of the half answer`);
}

async function tell(stage: Stage, run: Pick<RunHandle, 'output'>): Promise<void> {
  let text = '';
  for await (const { begins, value } of run.output()) {
    if (begins && text !== '')
      stage.say(`reader: dropped ${text.split(' ').length - 1} words of a half answer`);
    if (begins) text = '';
    text += String(value);
  }
  stage.say(`reader: ${text.trimEnd()}`);
}
