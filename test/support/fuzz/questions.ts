/** Questions of a play: a few per run, asked again and again, replied to by owners and by those who were. */
import type { Ownership, RunStore } from '../../../src/core/store.ts';

export interface QuestionMove {
  readonly do: 'ask' | 'reply' | 'withdraw';
  readonly run: number;
  readonly question: number;
  /** The claim that replies. */
  readonly claim: number;
  readonly forMs: number;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export function aboutQuestion(
  owner: Ownership,
  { do: what, question, forMs }: QuestionMove,
): (store: RunStore) => Promise<unknown> {
  const { run } = owner;
  const id = `question-${question}`;
  switch (what) {
    case 'ask':
      return ({ questions }) =>
        questions.put({ run, id, name: `name-${question}`, data: text(id), forMs });
    case 'reply':
      return ({ questions }) =>
        questions.reply({ ...owner, id, data: text(`reply ${forMs}`), keepMs: 600_000 });
    case 'withdraw':
      return async ({ questions }) => {
        await questions.withdraw(run, id);
        return questions.readReply(run, id);
      };
  }
}
