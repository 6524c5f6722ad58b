/** The questions of a crash test: asked in their order, when it is time, and what came of each. */
import { setTimeout as sleep } from 'node:timers/promises';
import { detach } from '../../core/detached.ts';
import { PawlError } from '../../core/errors.ts';
import type { AnyQuestion } from '../../engine/definition/questions.ts';

/** A question to the run; `after` so many stored commits, or when the run would not go on by itself. */
export interface CrashTestQuestion {
  /** What `run.ask` is given: a question of `defineQuestion`, or its name. */
  readonly ask: AnyQuestion | string;
  /** What is asked. */
  readonly payload?: unknown;
  /**
   * Asked after so many stored commits. Default: when the question before has its reply, and the run would go on only by
   * a signal that is still to come.
   */
  readonly after?: number;
}

/** What came of a question: the reply, or the code of the error. */
export type CrashTestReply = { readonly reply: unknown } | { readonly error: string };

export class Asker {
  readonly replies: (CrashTestReply | undefined)[];
  readonly #ask: (question: CrashTestQuestion) => Promise<unknown>;
  #pending: { readonly at: number; readonly question: CrashTestQuestion }[];
  #open = 0;

  constructor(
    questions: readonly CrashTestQuestion[],
    ask: (question: CrashTestQuestion) => Promise<unknown>,
  ) {
    this.#ask = ask;
    this.#pending = questions.map((question, at) => ({ at, question }));
    this.replies = questions.map(() => undefined);
  }

  /** Asks what is to be asked after so many commits. */
  askAfter(commits: number): void {
    const ready = this.#pending.filter(({ question }) => (question.after ?? Infinity) <= commits);
    for (const one of ready) this.#put(one);
  }

  /** Asks the next one; false when there is none. */
  askNext(): boolean {
    const [next] = this.#pending;
    if (next !== undefined) this.#put(next);
    return next !== undefined;
  }

  /** Gives a question that is open real time; false when none is, or nothing comes of it in that time. */
  async getsReply(ms: number): Promise<boolean> {
    const before = this.#open;
    if (before === 0) return false;
    for (let waited = 0; waited < ms; waited++) {
      await sleep(1);
      if (this.#open !== before) return true;
    }
    return false;
  }

  #put(one: { readonly at: number; readonly question: CrashTestQuestion }): void {
    this.#pending = this.#pending.filter((other) => other !== one);
    this.#open += 1;
    const over = (reply: CrashTestReply): void => {
      this.#open -= 1;
      this.replies[one.at] = reply;
    };
    const asked = this.#ask(one.question).then(
      (reply) => over({ reply }),
      (error: unknown) => over({ error: PawlError.is(error) ? error.code : String(error) }),
    );
    detach(asked, () => undefined);
  }
}
