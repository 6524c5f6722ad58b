/**
 * The owner's replies to what its run is asked.
 *
 *   open ──the handler has caught up──▶ answered by its function──▶ reply
 *                │                          └─ it changes the run ──▶ `run.answered` and the change in one commit ──▶ reply
 *                └─ nobody answers to that name ──▶ reply: unknown
 *
 * An answer is as new as the log: it is made when no known result is left for the handler, see `deliveries.ts`. So of two
 * replies, the later one never tells of less, whoever had the run in between.
 *
 * An answer that changes nothing is in no log. One that does is kept with its change, so that of an owner that dies in
 * between the next one gives the same reply, and the change is there once. A question stays open until it has its reply:
 * an owner that dies before leaves it to the next one, which calls the function anew when nothing was kept. The next
 * `run.answered` says which replies need not be kept any more.
 *
 * A run is not parked while a question is at work, and no longer than the question waits. One that is left, because it is
 * paused or its worker closes, leaves its questions to the next owner.
 */
import { AsyncResource } from 'node:async_hooks';
import { decode, encode } from '../../core/codec.ts';
import { detach } from '../../core/detached.ts';
import { recordError } from '../../core/error-record.ts';
import { InvalidError } from '../../core/errors.ts';
import type { AnsweredData } from '../../core/event.ts';
import type { Fold } from '../../core/fold.ts';
import { keptReplies } from '../../core/kept-replies.ts';
import { keptReplyBytesMax, type OpenQuestion, questionBytesMax } from '../../core/questions.ts';
import { isThenable } from '../../core/thenable.ts';
import { type AnyQuestion, checkAsked, checkReply, toQuestion } from '../definition/questions.ts';
import { encodeReply, type Reply } from '../replies.ts';
import { newAbortController } from '../signals.ts';
import { AnswerChange } from './answer-change.ts';
import type { Body } from './bodies.ts';
import { inAnswer } from './in-answer.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import { recordWrite, type Write } from './writes.ts';

type Services = Pick<ExecutionServices, 'store' | 'limits' | 'clock' | 'logger'>;

interface About {
  readonly signal: AbortSignal;
  readonly emit: (type: string, data: unknown) => void;
  readonly set: (patch: Record<string, unknown>) => void;
}

/** What a handler answers with. */
export type Answer = (payload: never, about: never) => unknown;

interface Answering {
  readonly question: AnyQuestion;
  readonly answer: (payload: unknown, about: About) => unknown;
  /** The node of a graph that answers, for as long as it is at work. */
  readonly within: Body | undefined;
}

/** What the answers of a run are told by the runtime of its handler. */
export interface AnswersHost {
  /** The handler stands at a wait, or a body of it is at work. */
  readonly isAtWork: () => boolean;
  readonly isOver: (body: Body | undefined) => boolean;
  /** A handler that waits is looked at again. One that is on its way is not: nothing follows for it. */
  readonly parkIfWaiting: () => void;
}

/** How long a reply is kept for whoever asked. */
const keepMs = 60_000;
const retryMs = 200;
/** Longer than a local file or a query takes: a handler may do something plain before it says what it answers. */
const patienceMs = 50;

export class Answers {
  readonly #scope: RunScope;
  readonly #services: Services;
  readonly #host: AnswersHost;
  readonly #answering = new Map<string, Answering>();
  /** Open questions that nobody answers yet. */
  readonly #open = new Map<string, OpenQuestion>();
  /** Ids of those at work, and of those that have their reply, while a list of open ones may name them. */
  readonly #taken = new Set<string>();
  /** Those of them that have their reply. */
  #replied: string[] = [];
  /** Ids of kept replies that nobody needs any more. */
  readonly #over = new Set<string>();
  #atWork = 0;
  #polling: Promise<void> | undefined;
  #pollAgain = false;
  #isLeaving = false;
  #stopPatience: (() => void) | undefined;

  constructor(scope: RunScope, services: Services, host: AnswersHost) {
    this.#scope = scope;
    this.#services = services;
    this.#host = host;
  }

  /** A reply is made, or it is not known what is open: no time to park. */
  get isBusy(): boolean {
    return this.#atWork > 0 || this.#polling !== undefined || this.#open.size > 0;
  }

  /** From now on this answers; the function that came last counts. */
  register(given: AnyQuestion | string, answer: Answer, within: Body | undefined): void {
    if (typeof answer !== 'function') throw new InvalidError('answer', 'needs a function.');
    const question = toQuestion(given);
    const { name } = question;
    const called = answer as Answering['answer'];
    this.#answering.set(name, {
      question,
      within,
      answer: AsyncResource.bind((payload: unknown, about: About) =>
        inAnswer(name, () => called(payload, about)),
      ),
    });
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
      this.#host.parkIfWaiting();
    });
    detach(this.#polling, () => undefined);
  }

  /** The run is being let go of: what is open is for the next owner. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** The handler has ended, or is left where it stands. */
  close(): void {
    this.#stopPatience?.();
    this.leave();
  }

  async #read(): Promise<void> {
    const { run, lost, fold, deliveries, storeNow } = this.#scope;
    const { store, clock, logger } = this.#services;
    while (!lost.aborted) {
      const before = [...this.#replied];
      try {
        const open = await store.questions.open(run);
        for (const question of open) {
          const isWanted = question.until > storeNow() && !this.#taken.has(question.id);
          if (isWanted) this.#open.set(question.id, question);
        }
        const ids = new Set(open.map(({ id }) => id));
        for (const [id] of keptReplies(fold.bookkeeping)) {
          if (!ids.has(id) && !this.#taken.has(id)) this.#over.add(id);
        }
        // What had its reply before the list was read is in no later list.
        for (const id of before) this.#taken.delete(id);
        this.#replied = this.#replied.slice(before.length);
        if (this.#open.size > 0) deliveries.whenCaughtUp(() => this.#serve());
        return;
      } catch (error) {
        logger.warn({ run, error: String(error) }, 'questions not read, trying again');
        await clock.sleep(retryMs, lost.signal);
      }
    }
  }

  /** Answers what is open, once the handler has caught up with the log. */
  #serve(): void {
    const { deliveries, storeNow } = this.#scope;
    if (this.#open.size === 0 || !deliveries.isCaughtUp || this.#isLeaving) return;
    for (const [id, question] of this.#open) {
      const answering = this.#find(question);
      if (question.until <= storeNow()) this.#open.delete(id);
      else if (answering !== undefined) {
        this.#open.delete(id);
        this.#work(question, (signal) => this.#answer(question, answering, signal));
      }
    }
    if (this.#open.size === 0) return;
    if (this.#host.isAtWork()) this.#refuse();
    else this.#stopPatience ??= this.#services.clock.soon(patienceMs, () => this.#refuse());
  }

  #find({ name }: OpenQuestion): Answering | undefined {
    const answering = this.#answering.get(name);
    return this.#host.isOver(answering?.within) ? undefined : answering;
  }

  /** The handler has caught up, and had its time: whoever would answer has said so. */
  #refuse(): void {
    this.#stopPatience?.();
    this.#stopPatience = undefined;
    if (this.#isLeaving) return;
    const { run } = this.#scope;
    for (const [id, question] of this.#open) {
      this.#open.delete(id);
      const known = [...this.#answering.keys()].join(', ') || 'nothing';
      const error = new InvalidError(
        'question',
        `${JSON.stringify(question.name)} is not answered by run ${run} now; it answers ${known}.`,
      );
      this.#work(question, async () => ({ is: 'unknown', error: recordError(error) }));
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
      this.#replied.push(question.id);
    };
    const replied = async (): Promise<void> => this.#give(question, await make(late.signal));
    const letGo = (): void => late.abort(lost.reason);
    lost.signal.addEventListener('abort', letGo, { once: true });
    const done = (): void => {
      lost.signal.removeEventListener('abort', letGo);
      over.abort('over');
      this.#atWork -= 1;
      this.#host.parkIfWaiting();
    };
    detach(Promise.race([timed(), replied()]).finally(done), () => undefined);
  }

  /** The reply to one question. An answer that was kept is given again, and not made anew. */
  async #answer(
    { id, name, data }: OpenQuestion,
    { question, answer }: Answering,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { fold, run } = this.#scope;
    const kept = keptReply(fold, id);
    if (kept !== undefined) return { is: 'value', value: kept };
    let payload: unknown;
    try {
      payload = checkAsked(question, decode(data, { key: `run ${run}, question` }));
    } catch (error) {
      return { is: 'misfit', error: recordError(error) };
    }
    const change = new AnswerChange(this.#scope, this.#services.limits, name);
    try {
      const { emit, set } = change;
      const given = answer(payload, { signal, emit, set });
      // What is no promise is not waited for: no other answer comes in between.
      const made = checkReply(question, isThenable(given) ? await given : given);
      const writes = change.close();
      const most = writes.length > 0 ? keptReplyBytesMax : questionBytesMax;
      const value = encode(made, `reply to ${name}`, most);
      if (writes.length > 0) {
        // Who asked has gone: nothing is changed for nobody.
        signal.throwIfAborted();
        await this.#keep(writes, { id, name, value });
      }
      return { is: 'value', value };
    } catch (error) {
      change.close();
      return { is: 'failed', error: recordError(error) };
    }
  }

  /** The change and its reply, in one commit. */
  async #keep(writes: readonly Write[], answered: AnsweredData): Promise<void> {
    const over = [...this.#over];
    const data = over.length === 0 ? answered : { ...answered, over };
    const { writer } = this.#scope;
    const kept = writer.submit([...writes, recordWrite('run.answered', data)], { isOthers: true });
    for (const id of over) this.#over.delete(id);
    await kept;
  }

  async #give({ id }: OpenQuestion, reply: Reply): Promise<void> {
    const { writer, run, lost, fold } = this.#scope;
    const { store, clock, logger } = this.#services;
    const data = encodeReply(reply);
    while (!lost.aborted) {
      try {
        await store.questions.reply({ ...writer.ownership, id, data, keepMs });
        this.#replied.push(id);
        if (keptReply(fold, id) !== undefined) this.#over.add(id);
        return;
      } catch (error) {
        logger.warn({ run, error: String(error) }, 'reply not given, trying again');
        await clock.sleep(retryMs, lost.signal);
      }
    }
  }
}

function keptReply({ bookkeeping }: Fold, question: string): Uint8Array | undefined {
  return keptReplies(bookkeeping).find(([id]) => id === question)?.[1];
}
