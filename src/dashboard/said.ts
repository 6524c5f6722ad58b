/** What an action has done, said on the page that it leads to. The address names the action only, so it can say no more. */
import { html } from 'hono/html';
import type { Html } from './html.ts';

const sentences: Readonly<Record<string, string>> = {
  resume: 'The run was resumed: a worker goes on with it.',
  retry: 'The run tries again from its last snapshot. What its steps have done stays done.',
  pause: 'The run is paused. A worker that has it stops at its next commit.',
  cancel: 'The run was asked to end. A handler at work may clean up first.',
  signal: 'The signal was sent. It is kept until the run takes it.',
  answer: 'The answer was taken.',
  decide: 'The decision was sent to the run.',
  fork: 'This is the fork. The run that it was made from has not changed.',
  kill: 'The worker was killed in the middle of its work. Its runs are taken over: see Recoveries.',
  trigger: 'This run was started by hand, beside the times of its schedule.',
  drain: 'The worker was asked to close. It hands its runs to others, and leaves.',
  'schedule-pause': 'The schedule is paused. Times that pass meanwhile are not started later.',
  'schedule-resume': 'The schedule goes on with its first time from now.',
  'schedule-remove': 'The schedule has ended. Runs that it has started go on.',
  'queue-pause': 'The queue is paused: no run of the workflow is taken up. Those at work go on.',
  'queue-resume': 'The queue goes on.',
  'canary-taken': 'A worker took the canary.',
  'canary-lost': 'No worker took the canary in two seconds. They may all be busy, or cut off.',
  delete: 'The run was deleted, with every trace of it.',
};

/** Nothing for an action that this pawl does not know. */
export function saidPart(done: string | undefined): Html {
  const said = done !== undefined && Object.hasOwn(sentences, done) ? sentences[done] : undefined;
  return said === undefined ? html`` : html`<p class="said" role="status">${said}</p>`;
}
