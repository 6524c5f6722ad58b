/** What the handlers of programs answer: a change of the state, and the steps that they are behind. */
import type { AnswerContext } from '../../src/engine/definition/questions.ts';

type Changing = AnswerContext<(type: 'added', data: number) => void, never>;

interface Answering {
  answer(question: string, answer: (given: unknown, change: Changing) => unknown): void;
}

/** Returns the list of steps, for the handler to add to. */
export function answering(ctx: object): string[] {
  const asked = ctx as Answering;
  asked.answer('bump', (given, { emit }) => {
    emit('added', 1);
    return given;
  });
  const passed: string[] = [];
  asked.answer('passed', () => passed);
  return passed;
}
