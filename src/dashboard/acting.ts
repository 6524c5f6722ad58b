/** What a form of a run's page asks for, done in the name of who logged in. */
import { InvalidError } from '../core/errors.ts';
import { fixedLimits } from '../core/limits.ts';
import type { Pawl } from '../pawl.ts';
import type { DashboardAction, Settings } from './settings.ts';

export type Form = Readonly<Record<string, unknown>>;

export async function act(
  pawl: Pawl,
  workflows: Settings['workflows'],
  what: { readonly id: string; readonly action: DashboardAction; readonly actor: string },
  form: Form,
): Promise<void> {
  const run = pawl.run(what.id);
  const reason = textOf(form, 'reason');
  if (reason.length > fixedLimits.reasonLength) {
    throw new InvalidError('reason', `has more than ${fixedLimits.reasonLength} characters.`);
  }
  const request = { actor: what.actor, ...(reason === '' ? {} : { reason }) };
  switch (what.action) {
    case 'resume':
    case 'retry':
      await run.resume(request);
      return;
    case 'pause':
      return run.pause(request);
    case 'cancel':
      return run.cancel(request);
    case 'decide': {
      const [name, decide] = [textOf(form, 'name'), textOf(form, 'decide')];
      if (name === '') throw new InvalidError('name', 'says what is decided about.');
      if (decide === 'retry') return run.decide(name, { decide: 'retry' });
      if (decide !== 'done') throw new InvalidError('decide', 'must be retry or done.');
      return run.decide(name, { decide: 'done', result: parse(textOf(form, 'result')) });
    }
    case 'signal': {
      const workflow = workflows.get((await run.info()).workflow);
      // Where the workflow is known, its schema decides whether this is sent.
      const to = workflow === undefined ? run : pawl.run(workflow, what.id);
      const named = { actor: what.actor };
      return to.signal(textOf(form, 'name'), parse(textOf(form, 'payload')), named);
    }
    case 'answer': {
      const workflow = workflows.get((await run.info()).workflow);
      const to = workflow === undefined ? run : pawl.run(workflow, what.id);
      const signal = textOf(form, 'signal');
      await to.answer(textOf(form, 'wait'), answerOf(form), {
        actor: what.actor,
        ...(signal === '' ? {} : { signal }),
      });
      return;
    }
  }
}

/**
 * What a form says, as the payload of an answer. Each field of it is named `<kind>:<field>`; one that was left empty is
 * not in the payload, so that the schema of the signal says whether it is needed.
 */
function answerOf(form: Form): unknown {
  if ('payload' in form) return parse(textOf(form, 'payload'));
  const fields: (readonly [string, unknown])[] = [];
  for (const name of Object.keys(form)) {
    const [, kind = '', field = ''] = /^(text|number|boolean):(.+)$/su.exec(name) ?? [];
    const text = textOf(form, name);
    if (kind === '' || text === '') continue;
    if (kind === 'number' && !Number.isFinite(Number(text))) {
      throw new InvalidError(field, 'is not a number; nothing was sent.');
    }
    const value = kind === 'number' ? Number(text) : kind === 'boolean' ? text === 'yes' : text;
    fields.push([field, value]);
  }
  return Object.fromEntries(fields);
}

function textOf(form: Form, field: string): string {
  const value = form[field];
  return typeof value === 'string' ? value : '';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === '' ? 'null' : text);
  } catch {
    throw new InvalidError('payload', 'is not JSON; nothing was sent.');
  }
}
