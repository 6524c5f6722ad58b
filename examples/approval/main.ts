/** `npm run example -- approval`: nobody answers, the worker dies in the escalation, the lead decides, two people sign. */
import { setTimeout as pause } from 'node:timers/promises';
import { AnsweredError } from 'pawl';
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { deployment, status } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  await killAndResume(stage, {
    workflow: deployment,
    module: new URL('./workflow.js', import.meta.url),
    input: { version: 'v2.1', patienceMs: 1500 },
    killAt: 'message to the lead',
    async meanwhile(run) {
      for await (const { type, data } of run.events()) {
        if (type === 'step.completed' && (data as { name: string }).name === 'escalate') break;
      }
      // A web page, a chat bot or a script would do this, from any process that can reach Redis. With an id of its own a
      // second click changes nothing.
      await run.signal('decision', { approved: true, by: 'Ada' }, { id: 'click-1' });
      await run.signal('decision', { approved: true, by: 'Ada' }, { id: 'click-1' });
      stage.say('the lead approves');

      // Two signatures at once, in the other order than they are waited for. Of two for the same role, one is taken.
      while ((await run.info()).waits.every(({ name }) => name !== 'legal signs')) await pause(20);
      await run.answer('legal signs', { role: 'legal', name: 'Grace' }, { actor: 'Grace' });
      try {
        await run.answer('legal signs', { role: 'legal', name: 'Bob' }, { actor: 'Bob' });
      } catch (error) {
        if (!(error instanceof AnsweredError)) throw error;
        stage.say(`Bob hears that ${error.by} was first`);
      }
      stage.say(`the run says: ${await run.ask(status, undefined)}`);
      await run.answer('security signs', { role: 'security', name: 'Linus' });
    },
  });
}
