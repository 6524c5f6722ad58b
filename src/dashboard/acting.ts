/** What a form of a run's page asks for, done in the name of who logged in. */
import { InvalidError } from '../core/errors.ts';
import { fixedLimits } from '../core/limits.ts';
import type { Pawl } from '../pawl.ts';
import { type Form, parseJson, textOf, valueOf } from './fields.ts';
import { makeFork } from './fork-page.ts';
import type { RunAction } from './access.ts';
import type { Settings } from './settings.ts';

/** Does it, and returns the path of the page to go on with, below the base. @throws InvalidError, and what pawl throws. */
export async function act(
  { pawl, shown }: { readonly pawl: Pawl; readonly shown: Pawl },
  { workflows }: Settings,
  what: { readonly id: string; readonly action: RunAction; readonly actor: string },
  form: Form,
): Promise<string> {
  const { id, action, actor } = what;
  const run = pawl.run(id);
  const reason = textOf(form, 'reason');
  if (reason.length > fixedLimits.reasonLength) {
    throw new InvalidError('reason', `has more than ${fixedLimits.reasonLength} characters.`);
  }
  const request = { actor, ...(reason === '' ? {} : { reason }) };
  const here = `/runs/${id}?done=${action}`;
  switch (action) {
    case 'resume':
    case 'retry':
      if (await run.resume(request)) return here;
      throw new InvalidError('status', 'of the run leaves nothing to resume; nothing was done.');
    case 'pause':
      await run.pause(request);
      return here;
    case 'cancel':
      needSure(form);
      await run.cancel(request);
      return here;
    case 'delete':
      needSure(form);
      await pawl.delete(id, request);
      return '/runs?done=delete';
    case 'fork':
      return `/runs/${await makeFork({ pawl, shown }, workflows, { id, actor }, form)}?done=fork`;
    case 'decide': {
      const [effect, decide] = [textOf(form, 'effect'), textOf(form, 'decide')];
      if (effect === '') throw new InvalidError('effect', 'says what is decided about.');
      if (decide !== 'done' && decide !== 'retry') {
        throw new InvalidError('decide', 'must be retry or done.');
      }
      const result = decide === 'done' ? parseJson(textOf(form, 'result'), 'result') : undefined;
      await run.decide(effect, decide === 'done' ? { decide, result } : { decide }, { actor });
      return here;
    }
    case 'signal': {
      const workflow = workflows.get((await run.info()).workflow);
      // Where the workflow is known, its schema decides whether this is sent.
      const to = workflow === undefined ? run : pawl.run(workflow, id);
      await to.signal(textOf(form, 'name'), valueOf(form), { actor });
      return here;
    }
    case 'answer': {
      const workflow = workflows.get((await run.info()).workflow);
      const to = workflow === undefined ? run : pawl.run(workflow, id);
      const signal = textOf(form, 'signal');
      await to.answer(textOf(form, 'wait'), valueOf(form), {
        actor,
        ...(signal === '' ? {} : { signal }),
      });
      return '/inbox?done=answer';
    }
  }
}

/** What cannot be undone is asked about on the page; whoever sends the form without an answer has not been asked. */
function needSure(form: Form): void {
  if (textOf(form, 'sure') === 'yes') return;
  throw new InvalidError('sure', 'was not ticked; nothing was done.');
}
