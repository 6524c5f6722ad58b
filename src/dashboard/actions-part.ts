/** The forms of a run's page that change something. Only what the run's status allows is offered. */
import { html } from 'hono/html';
import { isEnded } from '../core/run.ts';
import type { EventSchemas } from '../engine/definition/context.ts';
import { decisionItems } from '../engine/runs/inbox-items.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Html } from './layout.ts';
import type { DashboardAction, Settings } from './settings.ts';

export function actionsPart(
  { base, actions, workflows }: Settings,
  run: RunInfo,
  token: string,
): Html {
  const workflow = workflows.get(run.workflow);
  const signals = workflow && Object.keys((workflow.definition.signals ?? {}) as EventSchemas);
  const offered = actions.filter(
    (action) => isOffered(action, run) && !(action === 'signal' && signals?.length === 0),
  );
  if (offered.length === 0) return html``;
  const forms = offered.map((action) => {
    const [fields, text] =
      action === 'decide'
        ? [decisionFields(nameField(askedOf(run))), 'Decide']
        : action === 'signal'
          ? [
              html`<label>Signal ${nameField(signals)}</label>
                <label>Payload, as JSON <input name="payload" value="null" /></label>`,
              'Send',
            ]
          : [html`<label>Reason <input name="reason" /></label>`, action];
    return html`<form method="post" action="${base}/runs/${run.id}/${action}">
      <input type="hidden" name="token" value="${token}" />${fields}<button>${text}</button>
    </form>`;
  });
  return html`<h2>Actions</h2>
    <div class="acts">${forms}</div>`;
}

/** What a person is asked about: an effect in doubt, an undo that has failed. */
function askedOf(run: RunInfo): readonly string[] {
  return decisionItems([run]).map(({ name }) => name);
}

/** What is decided, of what `name` says. */
export function decisionFields(name: Html): Html {
  return html`<label>Of ${name}</label>
    <label
      >What to do
      <select name="decide">
        <option value="retry">try again</option>
        <option value="done">take it as done</option>
      </select></label
    >
    <label>Result of what is done, as JSON <input name="result" value="null" /></label>`;
}

/** A choice among the names, where they are known. */
function nameField(names: readonly string[] | undefined): Html {
  if (names === undefined) return html`<input name="name" required />`;
  return html`<select name="name">
    ${names.map((name) => html`<option>${name}</option>`)}
  </select>`;
}

function isOffered(action: DashboardAction, run: RunInfo): boolean {
  const { status, paused } = run;
  switch (action) {
    case 'resume':
      return paused;
    case 'retry':
      return status === 'failed' || status === 'quarantined';
    case 'pause':
      return !paused && !isEnded(status) && status !== 'quarantined';
    case 'decide':
      return askedOf(run).length > 0;
    case 'cancel':
    case 'signal':
      return !isEnded(status);
    case 'answer':
      // Its waits are on the inbox page, each with a form of its own.
      return false;
  }
}
