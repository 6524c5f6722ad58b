/** The forms of a run's page that change something. Only what the run's status allows is offered. */
import { html } from 'hono/html';
import { isEnded } from '../core/run.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Html } from './layout.ts';
import type { DashboardAction, Settings } from './settings.ts';

export function actionsPart({ base, actions }: Settings, run: RunInfo, token: string): Html {
  const offered = actions.filter((action) => isOffered(action, run));
  if (offered.length === 0) return html``;
  const forms = offered.map((action) => {
    const [fields, text] =
      action === 'signal'
        ? [
            html`<label>Signal <input name="name" required /></label>
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

function isOffered(action: DashboardAction, { status, paused }: RunInfo): boolean {
  switch (action) {
    case 'resume':
      return paused;
    case 'retry':
      return status === 'failed' || status === 'quarantined';
    case 'pause':
      return !paused && !isEnded(status) && status !== 'quarantined';
    case 'cancel':
    case 'signal':
      return !isEnded(status);
  }
}
