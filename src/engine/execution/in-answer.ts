/**
 * Whether code is at work inside of an answer to a question: see `answers.ts`.
 *
 * No resume calls an answer again. So what it asked of `ctx` would stand in the log with nobody who asks for it: a step
 * that is never found, a change of the state that a later `ctx.set` is taken for. Such calls are refused.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { DefinitionError } from '../../core/errors.ts';

const names = new AsyncLocalStorage<string>();

/** Calls an answer, in the context in which it came about. */
export function inAnswer<T>(name: string, act: () => T): T {
  return names.run(name, act);
}

/** The error for whatever an answer must not ask of `ctx`; undefined outside of answers. */
export function refusalInAnswer(): DefinitionError | undefined {
  const name = names.getStore();
  if (name === undefined) return undefined;
  return new DefinitionError(
    `The answer to ${JSON.stringify(name)} uses ctx for more than reading; nothing was written. It changes the run by \`emit\` and \`set\` of its second argument.`,
  );
}

/** @throws DefinitionError inside of an answer. */
export function refuseInAnswer(): void {
  const refusal = refusalInAnswer();
  if (refusal !== undefined) throw refusal;
}
