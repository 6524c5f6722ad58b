/**
 * The workers of the demo: started, killed, replaced, and all of them ended in the end, whatever
 * happens. Each is a process; without any Redis it is a thread.
 *
 *   starting ──ready──▶ ready ──killed by us──▶ gone, a replacement is starting
 *       │                 ├──────ended by us──▶ gone
 *       └─────────────────┴──────by itself────▶ gone, which is a failure of the demo
 */
import type { Launch, Launched } from './launch.ts';
import type { Report, Takeover } from './worker-work.ts';

/** One worker. */
export interface Member {
  /** w1, w2 … in the order of their starts. */
  readonly label: string;
  /** The id of its process, or of its thread. */
  readonly pid: number;
  /** Its id in pawl, once it is ready. */
  readonly worker: string | undefined;
  /** Runs it held, messages it had stored and runs it had claimed when it reported last. */
  readonly active: number;
  readonly messages: number;
  readonly claims: number;
}

export interface Kill {
  readonly label: string;
  readonly worker: string;
  readonly pid: number;
  /** Milliseconds since 1970 on this process' clock. */
  readonly at: number;
  /** Runs it held when it reported last. */
  readonly held: number;
}

export interface FleetOptions {
  readonly launch: Launch;
  readonly size: number;
  readonly onTakeover: (takeover: Takeover) => void;
  /** A worker has ended that nobody had asked to. */
  readonly onFailure: (error: Error) => void;
}

interface Process extends Member {
  readonly launched: Launched;
  readonly gone: Promise<void>;
  worker: string | undefined;
  active: number;
  messages: number;
  claims: number;
}

const restartMs = 250;
const endMsMax = 5000;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #living = new Set<Process>();
  readonly #labels = new Map<string, string>();
  readonly #asked = new Set<Process>();
  readonly #onReady = new Set<() => void>();
  readonly #killLiving = (): void => {
    for (const { launched } of this.#living) launched.kill();
  };
  readonly #restarts = new Set<NodeJS.Timeout>();
  #started = 0;
  #messagesOfGone = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    // The last resort, for an exception that nobody caught; it runs when nothing can be awaited any
    // more.
    process.on('exit', this.#killLiving);
  }

  /** Starts the workers; resolves when all of them take runs. */
  async start(): Promise<void> {
    const { size } = this.#options;
    const ready = new Promise<void>((resolve) => {
      this.#onReady.add(() => {
        if (this.#ready().length === size) resolve();
      });
    });
    for (let i = 0; i < size; i++) this.#launch();
    await ready;
    this.#onReady.clear();
  }

  get members(): readonly Member[] {
    return [...this.#living];
  }

  /** Messages stored, as far as the workers have reported. */
  get messages(): number {
    return this.members.reduce((sum, { messages }) => sum + messages, this.#messagesOfGone);
  }

  /** What a worker is called here. */
  labelOf(worker: string): string {
    return this.#labels.get(worker) ?? worker;
  }

  /**
   * Kills one worker that holds runs and starts another in its place; undefined when none may be
   * killed now, because none holds runs or nobody else is ready to take them over.
   */
  kill(random: () => number): Kill | undefined {
    const ready = this.#ready();
    const holders = ready.filter(({ active }) => active > 0);
    const victim = holders[Math.floor(random() * holders.length)];
    if (victim?.worker === undefined || ready.length < 2) return undefined;
    this.#asked.add(victim);
    const { label, worker, pid, active: held } = victim;
    const at = Date.now();
    victim.launched.kill();
    this.#living.delete(victim);
    this.#messagesOfGone += victim.messages;
    this.#launchLater();
    return { label, worker, pid, at, held };
  }

  /** Ends all workers: they hand their runs back; who has not ended after a while is killed. */
  async stop(): Promise<void> {
    for (const timer of this.#restarts) clearTimeout(timer);
    const all = [...this.#living];
    for (const one of all) {
      this.#asked.add(one);
      one.launched.end();
    }
    const impatient = setTimeout(this.#killLiving, endMsMax);
    await Promise.all(all.map(({ gone }) => gone));
    clearTimeout(impatient);
    process.off('exit', this.#killLiving);
  }

  #ready(): Process[] {
    return [...this.#living].filter(({ worker }) => worker !== undefined);
  }

  /** As a supervisor would: not in the moment of the death. */
  #launchLater(): void {
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#launch();
    }, restartMs);
    this.#restarts.add(timer);
  }

  #launch(): void {
    this.#started += 1;
    const launched = this.#options.launch((report) => this.#hear(one, report));
    const one: Process = {
      launched,
      label: `w${this.#started}`,
      pid: launched.pid,
      worker: undefined,
      active: 0,
      messages: 0,
      claims: 0,
      gone: launched.gone.then((how) => this.#ended(one, how)),
    };
    this.#living.add(one);
  }

  #hear(one: Process, report: Report): void {
    switch (report.kind) {
      case 'ready':
        one.worker = report.worker;
        this.#labels.set(report.worker, one.label);
        for (const onReady of this.#onReady) onReady();
        return;
      case 'progress':
        if (!this.#living.has(one)) return;
        one.active = report.active;
        one.messages = report.messages;
        one.claims = report.claims;
        return;
      case 'takeover':
        this.#options.onTakeover(report.takeover);
    }
  }

  #ended(one: Process, how: string): void {
    this.#living.delete(one);
    if (this.#asked.has(one)) return;
    this.#options.onFailure(new Error(`Worker ${one.label} (${one.pid}) ended by itself: ${how}`));
  }
}
