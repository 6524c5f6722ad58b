/** The form for what only a person can find out: whether an effect has happened, what becomes of a failed undo. */
import { html } from 'hono/html';
import type { DecisionItem } from '../engine/runs/inbox-items.ts';
import { actionForm } from './action-form.ts';
import { commandLine } from './command-line.ts';
import { jsonField } from './fields.ts';
import type { Html } from './html.ts';

/** What a person is asked of each, and the words for both answers. */
const words: Readonly<
  Record<DecisionItem['kind'], readonly [ask: string, done: string, retry: string]>
> = {
  decision: ['Has it happened?', 'yes: take this result', 'no: run it again'],
  undo: ['Is it undone?', 'yes: it was done by hand', 'no: try again'],
};

export function decisionForm(
  base: string,
  { run, kind, name }: Pick<DecisionItem, 'run' | 'kind' | 'name'>,
  token: string,
): Html {
  const [ask, done, retry] = words[kind];
  const fields = html`<input type="hidden" name="effect" value="${name}" />
    <label
      >${ask}
      <select name="decide" required>
        <option value="">choose</option>
        <option value="done">${done}</option>
        <option value="retry">${retry}</option>
      </select></label
    >
    ${jsonField('Its result', 'result', 'null')}`;
  const command = commandLine('runs', 'decide', run, name, '<done or retry>');
  return actionForm({ to: `${base}/runs/${run}/decide`, token, verb: 'Decide', fields, command });
}
