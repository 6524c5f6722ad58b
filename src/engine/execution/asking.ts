/** What every method of a context does: it checks a name, and gives out a promise that cannot end the process. */
import { checkStepName } from '../../core/names.ts';

/**
 * A promise that is given to a handler. Its failure is stored, or is the handler's to see whenever it looks: that nobody
 * looks, or not yet, must not end the process.
 */
export function held<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Checks a name and puts the prefix before it. */
export function nameCheck(prefix: string): (name: string) => string {
  return (name) => {
    checkStepName(name);
    return prefix + name;
  };
}
