/**
 * The owner's replies to what its run is asked.
 *
 *   open ──answered by the handler's function──▶ reply
 *     │         └─ it emits ──▶ `run.answered` and the events in one commit ──▶ reply
 *     └──all is quiet, and nobody answers to that name──▶ reply: unknown
 *
 * An answer that changes nothing is in no log. One that does is kept with its events, so that of an owner that dies in
 * between the next one gives the same reply, and the events are there once. A question stays open until it has its reply:
 * an owner that dies before leaves it to the next one, which calls the function anew when nothing was kept.
 *
 * A run is not parked while a question is at work, and no longer than the question waits.
 */
import { decode, encode } from '../../core/codec.ts';
import { detach } from '../../core/detached.ts';
import { recordError } from '../../core/error-record.ts';
import { InvalidError } from '../../core/errors.ts';
import type { AnsweredData } from '../../core/event.ts';
import type { OpenQuestion } from '../../core/questions.ts';
import { type AnyQuestion, checkAsked, checkReply, toQuestion } from '../definition/questions.ts';
import { encodeReply, type Reply } from '../replies.ts';
import { newAbortController } from '../signals.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import { eventWrite, recordWrite, type Write } from './writes.ts';

type Services = Pick<ExecutionServices, 'store' | 'limits' | 'clock' | 'logger'>;

interface About {
  readonly signal: AbortSignal;
  readonly emit: (type: string, data: unknown) => void;
}

/** What a handler answers with. */
export type Answer = (payload: never, about: never) => unknown;

interface Answering {
  readonly question: AnyQuestion;
  readonly answer: (payload: unknown, about: About) => unknown;
}

/** How long a reply is kept for whoever asked. */
const keepMs = 60_000;
const retryMs = 200;

export class Answers {
  readonly #scope: RunScope;
  readonly #services: Services;
  readonly #parkIfWaiting: () => void;
  readonly #answering = new Map<string, Answering>();
  /** Open questions that nobody answers yet. */
  readonly #open = new Map<string, OpenQuestion>();
  /** Ids of those at work, and of those that have their reply. */
  readonly #taken = new Set<string>();
  #atWork = 0;
  #polling: Promise<void> | undefined;
  #pollAgain = false;

  /** `parkIfWaiting`: a handler that waits is looked at again. One that is on its way is not: nothing follows for it. */
  constructor(scope: RunScope, services: Services, parkIfWaiting: () => void) {
    this.#parkIfWaiting = parkIfWaiting;
    this.#scope = scope;
    this.#services = services;
  }

  /** A reply is made, or it is not known what is open: no time to park. */
  get isBusy(): boolean {
    return this.#atWork > 0 || this.#polling !== undefined;
  }

  /** From now on this answers; the function that came last counts. */
  register(given: AnyQuestion | string, answer: Answer): void {
    if (typeof answer !== 'function') throw new InvalidError('answer', 'needs a function.');
    const question = toQuestion(given);
    this.#answering.set(question.name, { question, answer: answer as Answering['answer'] });
    this.#serve();
  }

  /** Reads what is open. Without an answer it reads again, until the run is let go of. */
  poll(): void {
    if (this.#polling !== undefined) {
      this.#pollAgain = true;
      return;
    }
    this.#polling = this.#read().finally(() => {
      this.#polling = undefined;
      if (this.#pollAgain) {
        this.#pollAgain = false;
        this.poll();
      }
      this.#parkIfWaiting();
    });
    detach(this.#polling, () => undefined);
  }

  /** The handler has done all it can do now: whoever would answer has said so. */
  quiet(): void {
    for (const [id, question] of this.#open) {
      this.#open.delete(id);
      const known = [...this.#answering.keys()].join(', ') || 'nothing';
      const error = new InvalidError(
        'question',
        `${JSON.stringify(question.name)} is not answered by run ${this.#scope.run} now; it answers ${known}.`,
      );
      this.#work(question, async () => ({ is: 'unknown', error: recordError(error) }));
    }
  }

  async #read(): Promise<void> {
    const { run, lost } = this.#scope;
    const { store, clock, logger } = this.#services;
    while (!lost.aborted) {
      try {
        for (const question of await store.questions.open(run)) {
          if (!this.#taken.has(question.id)) this.#open.set(question.id, question);
        }
        this.#serve();
        return;
      } catch (error) {
        logger.warn({ run, error: String(error) }, 'questions not read, trying again');
        await clock.sleep(retryMs, lost);
      }
    }
  }

  #serve(): void {
    for (const [id, question] of this.#open) {
      const answering = this.#answering.get(question.name);
      if (answering === undefined) continue;
      this.#open.delete(id);
      this.#work(question, (signal) => this.#answer(question, answering, signal));
    }
  }

  /** Makes a reply and gives it, within the time for which it is waited for. */
  #work(question: OpenQuestion, make: (signal: AbortSignal) => Promise<Reply>): void {
    const { storeNow, lost } = this.#scope;
    const { clock } = this.#services;
    this.#taken.add(question.id);
    this.#atWork += 1;
    const late = newAbortController();
    const over = newAbortController();
    const timed = async (): Promise<void> => {
      await clock.sleep(Math.max(0, question.until - storeNow()), over.signal);
      late.abort(new Error('nobody waits for the reply any more'));
    };
    const replied = async (): Promise<void> => this.#give(question, await make(late.signal));
    const letGo = (): void => late.abort(lost.reason);
    lost.addEventListener('abort', letGo, { once: true });
    const done = (): void => {
      lost.removeEventListener('abort', letGo);
      over.abort('over');
      this.#atWork -= 1;
      this.#parkIfWaiting();
    };
    detach(Promise.race([timed(), replied()]).finally(done), () => undefined);
  }

  /** The reply to one question. An answer that was kept is given again, and not made anew. */
  async #answer(
    { id, name, data }: OpenQuestion,
    { question, answer }: Answering,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { fold, writer, workflow, run } = this.#scope;
    const { limits } = this.#services;
    const kept = fold.answered(id);
    if (kept !== undefined) return { is: 'value', value: kept };
    let payload: unknown;
    try {
      payload = checkAsked(question, decode(data, { key: `run ${run}, question` }));
    } catch (error) {
      return { is: 'misfit', error: recordError(error) };
    }
    try {
      const writes: Write[] = [];
      const emit = (type: string, event: unknown): void => {
        writes.push(eventWrite(workflow, limits, { type, data: event }));
      };
      const made = checkReply(question, await answer(payload, { signal, emit }));
      const value = encode(made, `reply to ${name}`, limits.eventBytes);
      if (writes.length > 0) {
        // Who asked has gone: nothing is changed for nobody.
        signal.throwIfAborted();
        const answered: AnsweredData = { id, name, value };
        await writer.submit([...writes, recordWrite('run.answered', answered)]);
      }
      return { is: 'value', value };
    } catch (error) {
      return { is: 'failed', error: recordError(error) };
    }
  }

  async #give({ id }: OpenQuestion, reply: Reply): Promise<void> {
    const { writer, run, lost } = this.#scope;
    const { store, clock, logger } = this.#services;
    while (!lost.aborted) {
      try {
        await store.questions.reply({ ...writer.ownership, id, data: encodeReply(reply), keepMs });
        return;
      } catch (error) {
        logger.warn({ run, error: String(error) }, 'reply not given, trying again');
        await clock.sleep(retryMs, lost);
      }
    }
  }
}
