/** The forms of a run's page that change something. Only what the run's status allows is offered. */
import { html } from 'hono/html';
import { isEnded, isOver } from '../core/run.ts';
import type { EventSchemas } from '../engine/definition/context.ts';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';
import { formFields } from '../engine/definition/zod-schema.ts';
import { decisionItems } from '../engine/runs/inbox-items.ts';
import type { RunInfo, WaitInfo } from '../engine/runs/run-info.ts';
import { actionForm, folded, reasonField } from './action-form.ts';
import { commandLine } from './command-line.ts';
import { decisionForm } from './decision-form.ts';
import { fieldPart, jsonField } from './fields.ts';
import type { Html } from './html.ts';
import { type RunAction, runActionNames } from './access.ts';
import type { Settings } from './settings.ts';
import { visible } from './words.ts';

export interface Acting {
  readonly settings: Settings;
  readonly run: RunInfo;
  readonly token: string;
}

export function actionsPart(acting: Acting): Html {
  const { settings, run } = acting;
  const forms = runActionNames
    .filter((action) => settings.actions.includes(action) && isOffered(action, run))
    .map(partOf(acting));
  const shown = forms.filter((one) => one !== undefined);
  if (shown.length === 0) return html``;
  return html`<h2 id="actions">Actions</h2>
    <div class="acts">${shown}</div>`;
}

function partOf(acting: Acting): (action: RunAction) => Html | undefined {
  const { settings, run, token } = acting;
  const { base } = settings;
  const to = (action: string): string => `${base}/runs/${run.id}/${action}`;
  const command = (...words: readonly string[]): string =>
    commandLine('runs', ...words.toSpliced(1, 0, run.id), '--reason', '<why>');
  return (action) => {
    const shared = { to: to(action), token, fields: reasonField() };
    switch (action) {
      case 'resume':
        return folded(
          'Resume',
          actionForm({ ...shared, verb: 'Resume', command: command('resume') }),
        );
      case 'retry':
        return folded(
          'Try again',
          actionForm({ ...shared, verb: 'Try again', command: command('resume') }),
        );
      case 'pause':
        return folded('Pause', actionForm({ ...shared, verb: 'Pause', command: command('pause') }));
      case 'cancel': {
        const question = `Yes, end run ${run.id}. It will not go on.`;
        const form = { ...shared, verb: 'Cancel the run', question, command: command('cancel') };
        return folded('Cancel…', actionForm(form));
      }
      case 'delete': {
        const question = `Yes, remove run ${run.id} with its log, state and output. Nothing brings it back.`;
        const form = { ...shared, verb: 'Delete the run', question, command: command('delete') };
        return folded('Delete…', actionForm(form));
      }
      case 'fork':
        return settings.workflows.has(run.workflow)
          ? html`<a class="act" href="${base}/runs/${run.id}/fork">Fork…</a>`
          : undefined;
      case 'signal':
        return signalForms(acting);
      case 'decide':
        return decisionForms(acting);
      case 'answer':
        // Its waits are on the inbox page, each with a form of its own.
        return undefined;
    }
  };
}

/** A form for each signal that the workflow declares; what the run waits for is open. */
function signalForms({ settings, run, token }: Acting): Html | undefined {
  const workflow = settings.workflows.get(run.workflow);
  const to = `${settings.base}/runs/${run.id}/signal`;
  if (workflow === undefined) {
    const fields = html`<label>Signal <input name="name" required /></label>
      ${jsonField('Payload', 'payload', 'null')}`;
    const command = commandLine('runs', 'signal', run.id, '<name>', '--data', '<json>');
    return folded('Send a signal', actionForm({ to, token, verb: 'Send', fields, command }));
  }
  const names = Object.keys((workflow.definition.signals ?? {}) as EventSchemas);
  const waited = new Set(run.waits.flatMap(({ kind, on = [] }) => (kind === 'signal' ? on : [])));
  const forms = names.map((name) => {
    const fields = html`<input
        type="hidden"
        name="name"
        value="${name}"
      />${signalFields(workflow, name, run.waits)}`;
    const command = commandLine('runs', 'signal', run.id, name, '--data', '<json>');
    const form = actionForm({ to, token, verb: `Send ${name}`, fields, command });
    const title = html`Signal <bdi>${visible(name)}</bdi>${waited.has(name) ? ', waited for' : ''}`;
    return folded(title, form, waited.has(name));
  });
  return forms.length === 0 ? undefined : html`${forms}`;
}

/** By what the wait says that a person fills in, else by the schema, else as JSON. */
function signalFields(workflow: AnyWorkflow, name: string, waits: readonly WaitInfo[]): Html {
  const asked = waits.find(({ kind, on, form }) => kind === 'signal' && on?.includes(name) && form);
  if (asked?.form !== undefined) {
    return html`${Object.entries(asked.form).map(([field, kind]) => fieldPart(field, kind))}`;
  }
  const schema = ((workflow.definition.signals ?? {}) as EventSchemas)[name];
  const fields = formFields(schema);
  if (fields === undefined || fields.size === 0) return jsonField('Payload', 'payload', 'null');
  return html`${[...fields].map(([field, kind]) => fieldPart(field, kind))}`;
}

/** What only a person can settle. */
function decisionForms({ settings, run, token }: Acting): Html | undefined {
  const items = decisionItems([run]);
  if (items.length === 0) return undefined;
  return html`${items.map((item) => {
    const title = html`Decide about <bdi>${visible(item.name)}</bdi>`;
    return folded(title, decisionForm(settings.base, item, token), true);
  })}`;
}

function isOffered(action: RunAction, { status, paused, waits }: RunInfo): boolean {
  switch (action) {
    case 'resume':
      return paused;
    case 'retry':
      return status === 'failed' || status === 'quarantined';
    case 'pause':
      return !paused && !isOver(status);
    case 'cancel':
    case 'signal':
      return !isEnded(status);
    case 'decide':
      return waits.some(({ kind }) => kind === 'decision' || kind === 'undo');
    case 'delete':
      // A worker that holds the run is not to lose it.
      return status !== 'running';
    case 'fork':
      return true;
    case 'answer':
      return false;
  }
}
