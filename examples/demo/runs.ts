/** The runs of the demo: started a few at a time, followed until they end. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Pawl, RunHandle, RunStatus } from 'pawl';
import { conversation } from './conversation.ts';
import type { Conversation } from './conversations.ts';

export interface DemoRun {
  readonly id: string;
  readonly conversation: Conversation;
  readonly handle: RunHandle<Output, { readonly messages: readonly unknown[] }>;
  /** Our clock right before and after the start, to compare it with Redis' clock. */
  readonly startedBetween: readonly [number, number];
  /** Once the run has completed. */
  readonly output: Output | undefined;
  /** Why it has not completed. */
  readonly problem: string | undefined;
}

export interface Output {
  readonly messages: number;
  readonly reward: number;
}

export interface RunsOptions {
  readonly pawl: Pawl;
  readonly conversations: readonly Conversation[];
  readonly total: number;
  readonly paceMs: number;
  /** When to stop waiting for them, on our clock. */
  readonly deadline: number;
}

/** A run while it changes. */
type Changing = { -readonly [Key in keyof DemoRun]: DemoRun[Key] };

/**
 * How often to look which runs have ended. Waiting at each of them would cost the workers'
 * processors more.
 */
const pollMs = 200;
const atWork: readonly RunStatus[] = ['queued', 'running', 'waiting', 'interrupted'];

export class Runs {
  readonly #options: RunsOptions;
  readonly #started: Changing[] = [];
  #open: Changing[] = [];

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  get total(): number {
    return this.#options.total;
  }

  get started(): readonly DemoRun[] {
    return this.#started;
  }

  get completed(): number {
    return this.#started.filter(({ output }) => output !== undefined).length;
  }

  /** True when none is at work and none will be. */
  get allEnded(): boolean {
    return this.#started.length === this.total && this.#open.length === 0;
  }

  /** Starts runs until `count` have been started. */
  async startUpTo(count: number): Promise<void> {
    const { conversations } = this.#options;
    const starts: Promise<void>[] = [];
    for (let i = this.#started.length; i < Math.min(count, this.total); i++) {
      const source = conversations[i % conversations.length];
      if (source === undefined) throw new Error('There are no recorded conversations.');
      const round = Math.floor(i / conversations.length);
      starts.push(this.#start(source, round === 0 ? source.id : `${source.id}.${round + 1}`));
    }
    await Promise.all(starts);
  }

  /** Follows the runs; resolves when all have ended, or at the deadline. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!this.allEnded) {
      await pause(pollMs, undefined, { signal });
      const isLate = Date.now() > this.#options.deadline;
      await Promise.all(this.#open.map((run) => this.#check(run, isLate)));
      this.#open = this.#open.filter(({ output, problem }) => (output ?? problem) === undefined);
      if (isLate) return;
    }
  }

  async #start(source: Conversation, id: string): Promise<void> {
    const { pawl, paceMs } = this.#options;
    const before = Date.now();
    const handle = await pawl.start(conversation, { id: source.id, paceMs }, { id });
    const startedBetween = [before, Date.now()] as const;
    const none = { output: undefined, problem: undefined };
    const run: Changing = { id, conversation: source, handle, startedBetween, ...none };
    this.#started.push(run);
    this.#open.push(run);
  }

  async #check(run: Changing, isLate: boolean): Promise<void> {
    try {
      const { status, worker = 'no worker', seq, changedAt } = await run.handle.info();
      if (!atWork.includes(status)) {
        run.output = await run.handle.result();
      } else if (isLate) {
        const since = changedAt.toISOString();
        run.problem = `not ended in time: ${status} on ${worker} since ${since}, ${seq} events`;
      }
    } catch (error) {
      run.problem = String(error);
    }
  }
}
