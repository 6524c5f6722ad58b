/**
 * Whether anything in a queue would hold a wake-up back: asked for each that does without a job.
 *
 * What is asked in one turn of the event loop is asked in one call, over the connection of the store. So it travels with
 * what the same turn sends to the store. Each answer is of a moment after its question.
 */
import type { Queue } from 'bullmq';

/** Runs a script that only reads. */
export type Evaluate = (lua: string, keys: readonly string[]) => Promise<unknown>;

/** Besides a pause, people may set bounds for all workers together. */
const lua = `
local meta = redis.call('HMGET', KEYS[1], 'paused', 'concurrency', 'max')
local held = meta[1] or meta[2] or meta[3] or redis.call('EXISTS', KEYS[2], KEYS[3]) > 0
local clear = {}
for i = 4, #KEYS do clear[i - 3] = (held or redis.call('EXISTS', KEYS[i]) > 0) and 0 or 1 end
return clear`;

interface Question {
  readonly deduplicationId: string;
  readonly answer: (isClear: boolean) => void;
}

export class QueueLooks {
  readonly #queue: Queue;
  readonly #evaluate: Evaluate;
  #questions: Question[] = [];

  constructor(queue: Queue, evaluate: Evaluate) {
    this.#queue = queue;
    this.#evaluate = evaluate;
  }

  /**
   * Whether a job with this id would be taken at once: nobody holds the queue back, nothing waits in it, and no job has the
   * id. Never rejects: without an answer nothing is known, and so it is false.
   */
  isClear(deduplicationId: string): Promise<boolean> {
    return new Promise((answer) => {
      if (this.#questions.push({ deduplicationId, answer }) > 1) return;
      process.nextTick(() => {
        const questions = this.#questions;
        this.#questions = [];
        this.#ask(questions).catch(() => {
          for (const question of questions) question.answer(false);
        });
      });
    });
  }

  async #ask(questions: readonly Question[]): Promise<void> {
    const ids = questions.map(({ deduplicationId }) => `de:${deduplicationId}`);
    const keys = ['meta', 'wait', 'prioritized', ...ids].map((name) => this.#queue.toKey(name));
    const clear = (await this.#evaluate(lua, keys)) as readonly unknown[];
    for (const [i, question] of questions.entries()) question.answer(clear[i] === 1);
  }
}
