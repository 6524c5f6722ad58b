/**
 * A fork from any moment of a run, with an edited state: a form by the schema of the state. The run that is forked is only
 * read. What the form did not change is not sent through it: values that a form cannot say stay as they were.
 */
import { isDeepStrictEqual } from 'node:util';
import { html } from 'hono/html';
import { InvalidError } from '../core/errors.ts';
import type { State } from '../core/fold.ts';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';
import { type FieldKind, formFields } from '../engine/definition/zod-schema.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Pawl } from '../pawl.ts';
import { actionForm } from './action-form.ts';
import { commandLine } from './command-line.ts';
import { fieldPart, fieldsIn, fieldText, type Form, kindFor, textOf, toEntry } from './fields.ts';
import type { Html } from './html.ts';
import { toStatePoint } from './moment.ts';
import type { Settings } from './settings.ts';
import { visible } from './words.ts';

/** The fields of a state: those of its schema, and others that it has. */
function fieldsOf(workflow: AnyWorkflow, state: State): readonly (readonly [string, FieldKind])[] {
  const known = formFields(workflow.definition.state) ?? new Map<string, FieldKind>();
  const others = Object.keys(state).filter((name) => !known.has(name));
  return [...known, ...others.map((name) => [name, 'json'] as const)].map(([name, kind]) => [
    name,
    kindFor(kind, state[name]),
  ]);
}

async function stateAt(pawl: Pawl, workflow: AnyWorkflow, id: string, at: string): Promise<State> {
  const point = toStatePoint(at);
  const run = pawl.run(workflow, id);
  return 'seq' in point ? run.state(point) : run.checkpoint(point.checkpoint);
}

function workflowOf({ workflows }: Pick<Settings, 'workflows'>, run: RunInfo): AnyWorkflow {
  const workflow = workflows.get(run.workflow);
  if (workflow !== undefined) return workflow;
  throw new InvalidError(
    'workflow',
    `${run.workflow} is not known to this page: a fork needs its code.`,
  );
}

/** @throws InvalidError for a moment that the run never came to, or a workflow that the page does not know. */
export async function forkPage(
  pawl: Pawl,
  settings: Settings,
  { id, at: asked }: { readonly id: string; readonly at: string | undefined },
  token: string,
): Promise<Html> {
  const run = await pawl.run(id).info();
  const workflow = workflowOf(settings, run);
  const at = asked === undefined || asked === '' ? `${run.seq}` : asked;
  const state = await stateAt(pawl, workflow, id, at);
  const here = `${settings.base}/runs/${id}`;
  const fields = html`<input type="hidden" name="at" value="${at}" />
    <fieldset>
      <legend>State that the fork begins with</legend>
      ${fieldsOf(workflow, state).map(([name, kind]) => fieldPart(name, kind, fieldText(kind, state[name])))}
    </fieldset>
    <label>Id of the new run <input name="id" placeholder="a random one" /></label>`;
  const command = commandLine('runs', 'fork', id, '--at', at, '--set', '<path=json>');
  return html`<h1>Fork of <bdi>${visible(id)}</bdi></h1>
    <p>
      A new run of <bdi>${visible(run.workflow)}</bdi> begins where this one was
      ${/^\d+$/.test(at) ? `after event ${at}` : html`at checkpoint <bdi>${at}</bdi>`}. Steps that
      were done by then keep their results. <a href="${here}?at=${at}#state">This run</a> does not
      change.
    </p>
    <form class="filter" method="get" action="${here}/fork">
      <label>After event <input name="at" value="${at}" inputmode="numeric" /></label>
      <button>Show the state there</button>
    </form>
    <div class="acts fork">
      ${actionForm({ to: `${here}/fork`, token, verb: 'Fork', fields, command })}
    </div>`;
}

/** Makes the fork, and returns its id. @throws InvalidError, and what `pawl.fork` throws: nothing was written. */
export async function makeFork(
  { pawl, shown }: { readonly pawl: Pawl; readonly shown: Pawl },
  workflows: Settings['workflows'],
  { id, actor }: { readonly id: string; readonly actor: string },
  form: Form,
): Promise<string> {
  const run = await pawl.run(id).info();
  const workflow = workflowOf({ workflows }, run);
  const at = textOf(form, 'at') || `${run.seq}`;
  const before = await stateAt(pawl, workflow, id, at);
  const state = edited(workflow, { before, seen: await stateAt(shown, workflow, id, at) }, form);
  const named = textOf(form, 'id').trim();
  const options = {
    actor,
    ...(named === '' ? {} : { id: named }),
    ...(state === undefined ? {} : { state }),
  };
  return (await pawl.fork(workflow, id, toStatePoint(at), options)).id;
}

/** Undefined when nothing was changed. */
function edited(
  workflow: AnyWorkflow,
  { before, seen }: { readonly before: State; readonly seen: State },
  form: Form,
): State | undefined {
  const kinds = new Map(fieldsOf(workflow, seen));
  const state: Record<string, unknown> = { ...before };
  let isChanged = false;
  for (const [field, text, kind] of fieldsIn(form)) {
    const shown = fieldText(kinds.get(field) ?? 'json', seen[field]).replaceAll('\r\n', '\n');
    if (text === shown) continue;
    if (!isDeepStrictEqual(before[field], seen[field])) {
      throw new InvalidError(
        field,
        'is hidden in part, so it cannot be edited here; nothing was done.',
      );
    }
    isChanged = true;
    if (text === '' && kind !== 'text') delete state[field];
    else [, state[field]] = toEntry([field, text, kind]);
  }
  return isChanged ? state : undefined;
}
