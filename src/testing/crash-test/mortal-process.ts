/**
 * What a worker's process is to the outside: a store and a queue that answer, until the process dies. After that nobody
 * inside ever gets an answer, and nothing that is done inside reaches anybody.
 */
import { detach } from '../../core/detached.ts';
import { PawlError } from '../../core/errors.ts';
import type { Consumer, ConsumeOptions, ResumeQueue } from '../../core/queue.ts';
import type { WriteParams } from '../../core/outputs.ts';
import type { ReplyParams } from '../../core/questions.ts';
import type {
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateParams,
  RunStore,
} from '../../core/store.ts';
import type { Keyed } from '../../core/turns.ts';

/** A call that changes who owns a run, its log, output or turn, or that replies: before and after each a process may die. */
export type WritingCall =
  | { readonly kind: 'claim'; readonly params: ClaimParams }
  | { readonly kind: 'commit'; readonly params: CommitParams }
  | { readonly kind: 'write'; readonly params: WriteParams }
  | { readonly kind: 'reply'; readonly params: ReplyParams }
  | { readonly kind: 'turn'; readonly params: Keyed };

export interface MortalProcessOptions {
  readonly store: RunStore;
  readonly queue: ResumeQueue;
  /** Says whether the process dies at this call. */
  readonly fate: (call: WritingCall) => 'before' | 'after' | undefined;
  /** The store has answered a commit, whether or not the process lives to hear it. */
  readonly onCommit: (params: CommitParams, outcome: CommitOutcome) => void;
  readonly onDeath: () => void;
}

export class MortalProcess {
  readonly store: RunStore;
  readonly queue: ResumeQueue;
  readonly #options: MortalProcessOptions;
  readonly #consumers: Consumer[] = [];
  readonly #unanswered: ((reason: PawlError) => void)[] = [];
  #isDead = false;
  #isOver = false;

  constructor(options: MortalProcessOptions) {
    this.#options = options;
    // The store is shared with those who live on.
    const close = async (): Promise<void> => undefined;
    this.store = this.#mortal(options.store, (key) => (key === 'close' ? close : undefined));
    this.queue = {
      send: async (...args) => {
        await this.#call(undefined, () => options.queue.send(...args));
      },
      consume: (consumeOptions) => this.#consume(consumeOptions),
      close: async () => undefined,
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Refuses what was never answered, so that the objects of the process can be closed and collected. */
  end(): void {
    this.#isDead = true;
    this.#isOver = true;
    for (const refuse of this.#unanswered) refuse(closed());
  }

  /** The same contract, and those inside of it, as long as the process lives. `own`: what is done otherwise. */
  #mortal<T extends object>(contract: T, own: (key: string | symbol) => unknown): T {
    return new Proxy(contract, {
      get: (target, key) => {
        const member: unknown = own(key) ?? Reflect.get(target, key, target);
        if (typeof member === 'object' && member !== null)
          return this.#mortal(member, () => undefined);
        if (typeof member !== 'function' || key === 'close') return member;
        return (...args: unknown[]) =>
          this.#call(
            toWritingCall(key, args),
            () => Reflect.apply(member, target, args) as unknown,
          );
      },
    });
  }

  async #call(call: WritingCall | undefined, apply: () => unknown): Promise<unknown> {
    if (this.#isDead) return this.#silence();
    const fate = call && this.#options.fate(call);
    if (fate === 'before') return this.#die();
    const answer = await apply();
    if (call?.kind === 'commit') this.#options.onCommit(call.params, answer as CommitOutcome);
    if (fate === 'after') return this.#die();
    return this.#isDead ? this.#silence() : answer;
  }

  async #consume(options: ConsumeOptions): Promise<Consumer> {
    const consumer = await this.#options.queue.consume(options);
    this.#consumers.push(consumer);
    return consumer;
  }

  #die(): Promise<never> {
    if (!this.#isDead) {
      this.#isDead = true;
      // It takes nothing any more; what it has taken, it keeps for ever.
      for (const consumer of this.#consumers) detach(consumer.close(), () => undefined);
      this.#options.onDeath();
    }
    return this.#silence();
  }

  #silence(): Promise<never> {
    if (this.#isOver) return Promise.reject(closed());
    return new Promise((_, reject) => {
      this.#unanswered.push(reject);
    });
  }
}

function toWritingCall(
  key: string | symbol,
  [params]: readonly unknown[],
): WritingCall | undefined {
  if (key === 'create') {
    const { run, claim } = params as CreateParams;
    return claim && { kind: 'claim', params: { run, ...claim } };
  }
  if (key === 'claim') return { kind: key, params: params as ClaimParams };
  if (key === 'commit') return { kind: key, params: params as CommitParams };
  if (key === 'write') return { kind: key, params: params as WriteParams };
  if (key === 'reply') return { kind: key, params: params as ReplyParams };
  const isTurn = key === 'enter' || key === 'admit' || (key === 'leave' && isKeyed(params));
  return isTurn ? { kind: 'turn', params: params as Keyed } : undefined;
}

/** A worker leaves as well, by its id. */
function isKeyed(params: unknown): boolean {
  return typeof params === 'object';
}

function closed(): PawlError {
  return new PawlError('PAWL_CLOSED', 'This process of a crash test has ended.');
}
