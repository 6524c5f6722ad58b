/** What a reducer may return: a new state, which is a plain object. */
import { DefinitionError } from './errors.ts';
import { isPlainObject } from './plain-copy.ts';
import { nameOf } from './refusal.ts';
import { isThenable, letGo } from './thenable.ts';

/** @throws DefinitionError for anything else, with the type of the event. */
export function checkState(state: unknown, type: string): Readonly<Record<string, unknown>> {
  if (isPlainObject(state)) return state;
  if (isThenable(state)) letGo(state);
  const what = typeof state === 'object' && state !== null ? `a ${nameOf(state)}` : String(state);
  throw new DefinitionError(
    `The reducer of "${type}" returned ${what}: it must return the new state, a plain object.`,
  );
}
