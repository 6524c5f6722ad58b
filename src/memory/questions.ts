/** Questions to runs, and the replies, in memory. Each method does its work in one go, which makes it atomic. */
import {
  type OpenQuestion,
  type QuestionOutcome,
  type QuestionParams,
  type Questions,
  questionsMax,
  type ReplyParams,
} from '../core/questions.ts';
import { isOver } from '../core/run.ts';
import { wantsQuestions } from '../core/waits.ts';
import type { Ask } from './control.ts';
import { copy, isAsked, type StoredRun, toDueRun, wake } from './stored-run.ts';

export interface MemoryQuestionsParts {
  /** Tells the time, and throws when the store is closed. */
  readonly open: () => number;
  /** Tells those who watch a run. */
  readonly changed: (run: string) => void;
  readonly ask: Ask;
}

export class MemoryQuestions implements Questions {
  readonly #runs: ReadonlyMap<string, StoredRun>;
  readonly #parts: MemoryQuestionsParts;
  readonly #replies = new Map<string, { readonly data: Uint8Array; readonly until: number }>();

  constructor(runs: ReadonlyMap<string, StoredRun>, parts: MemoryQuestionsParts) {
    this.#runs = runs;
    this.#parts = parts;
  }

  async put({ run: id, forMs, ...question }: QuestionParams): Promise<QuestionOutcome> {
    const now = this.#parts.open();
    const run = this.#runs.get(id);
    if (run === undefined) return { outcome: 'missing' };
    const { status } = run;
    if (isOver(status)) return { outcome: 'ended', status };
    if (run.paused) return { outcome: 'paused' };
    if (!run.questions.has(question.id)) {
      for (const { id: old, until } of run.questions.values()) {
        if (until <= now) run.questions.delete(old);
      }
      if (run.questions.size >= questionsMax) return { outcome: 'full' };
      const until = now + Math.ceil(forMs);
      run.questions.set(question.id, { ...question, data: copy(question.data), until });
    }
    if (status === 'running') this.#parts.ask(run.worker ?? '', id);
    else if (status === 'waiting' && wantsQuestions(run.waits)) wake(run, now);
    const woken = status === 'waiting' && run.wokenAt !== undefined;
    return { outcome: 'asked', woken, wakeUp: toDueRun(run, now) };
  }

  async open(id: string): Promise<readonly OpenQuestion[]> {
    const now = this.#parts.open();
    const run = this.#runs.get(id);
    if (run === undefined || !isAsked(run, now)) return [];
    return [...run.questions.values()].sort((a, b) => a.until - b.until);
  }

  async reply(params: ReplyParams): Promise<'replied' | 'gone' | 'fenced'> {
    const now = this.#parts.open();
    const run = this.#runs.get(params.run);
    if (run === undefined || run.fence !== params.fence || run.owner !== params.owner) {
      return 'fenced';
    }
    if (!run.questions.delete(params.id)) return 'gone';
    for (const [key, { until }] of this.#replies) if (until <= now) this.#replies.delete(key);
    const until = now + Math.ceil(params.keepMs);
    this.#replies.set(`${params.run} ${params.id}`, { data: copy(params.data), until });
    this.#parts.changed(params.run);
    return 'replied';
  }

  async readReply(run: string, id: string): Promise<Uint8Array | undefined> {
    const now = this.#parts.open();
    const reply = this.#replies.get(`${run} ${id}`);
    return reply === undefined || reply.until <= now ? undefined : copy(reply.data);
  }

  async withdraw(run: string, id: string): Promise<void> {
    this.#parts.open();
    this.#runs.get(run)?.questions.delete(id);
  }
}
