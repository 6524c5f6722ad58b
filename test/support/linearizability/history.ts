/**
 * What concurrent clients asked and were told, thing by thing, with a logical clock that all of them share.
 *
 * A call whose answer is lost is sent again by the connection, and the answer to the second sending is what the client
 * sees. Where that answer cannot tell that the first sending had worked ("stale" to a claim whose fruit was interrupted
 * meanwhile), an optional twin of the call stands in the history, which may have happened until the answer came.
 */
import { PawlError } from '../../../src/core/errors.ts';
import type { Operation } from './checker.ts';

export class History<Input, Answer> {
  readonly things = new Map<string, Operation<Input, Answer>[]>();
  /** How many calls found no answer, and how many did. */
  unknown = 0;
  answered = 0;
  #now = 0;

  /**
   * Makes a call and writes it down for each thing it is about. `twins` says how often an earlier sending may have worked
   * besides the one that was answered. Undefined when there was no answer.
   */
  async record<Result>(
    call: () => Promise<Result>,
    about: readonly {
      readonly thing: string;
      readonly input: Input;
      readonly answer: (result: Result) => Answer;
      readonly twins: (result: Result | undefined) => number;
    }[],
  ): Promise<Result | undefined> {
    const at = ++this.#now;
    const result = await answerOf(call);
    const end = ++this.#now;
    const isKnown = result !== 'unknown';
    if (isKnown) this.answered += 1;
    else this.unknown += 1;
    for (const { thing, input, answer, twins } of about) {
      const told = isKnown ? result.value : undefined;
      const operations = this.things.get(thing) ?? [];
      this.things.set(thing, operations);
      for (let i = 0; i < twins(told); i++) {
        const until = isKnown ? end : Infinity;
        operations.push({ input, call: at, return: until, answer: undefined, optional: true });
      }
      const known = isKnown ? answer(result.value) : undefined;
      const until = isKnown ? end : Infinity;
      operations.push({ input, call: at, return: until, answer: known, optional: !isKnown });
    }
    return isKnown ? result.value : undefined;
  }
}

async function answerOf<Result>(
  call: () => Promise<Result>,
): Promise<{ readonly value: Result } | 'unknown'> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!PawlError.is(error) || error.outcome === undefined) throw error;
    // A reply that is an error has no place in a history: no script may fail here.
    if (error.outcome !== 'unknown') throw error;
    return 'unknown';
  }
}
