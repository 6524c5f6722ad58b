/**
 * Replies to questions that have changed a run, as part of the fold's bookkeeping:
 *
 *   run:answers     [id, reply][]: of questions that may still be open, as far as the last owner knew
 *
 * The change and its reply are one commit, so the next owner of a question that is still open finds its reply here. See
 * `engine/execution/answers.ts`.
 */
import type { AnsweredData } from './event.ts';
import { questionsMax } from './questions.ts';

type Replies = readonly (readonly [id: string, value: Uint8Array])[];
type Bookkeeping = ReadonlyMap<string, unknown>;

/** The part of the fold that remembers them. */
interface RememberingFold {
  readonly bookkeeping: Bookkeeping;
  remember(field: string, value: unknown): void;
}

const field = 'run:answers';

/** All that are kept, with the ids of their questions. */
export function keptReplies(bookkeeping: Bookkeeping): Replies {
  return (bookkeeping.get(field) ?? []) as Replies;
}

/** What `run.answered` does to the bookkeeping. No more are kept than questions can be open. */
export function keepReply(fold: RememberingFold, data: unknown): void {
  const { id, value, over = [] } = data as AnsweredData;
  const needed = keptReplies(fold.bookkeeping).filter(([known]) => !over.includes(known));
  fold.remember(field, [...needed, [id, value] as const].slice(-questionsMax));
}
