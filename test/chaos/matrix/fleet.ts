/**
 * The worker processes of the matrix. Each sits in a slot; when it ends, however it does, the slot gets another one at
 * once, until the fleet is stopped.
 *
 *   starting ──ready──▶ ready ──SIGKILL, SIGTERM, a crash point──▶ gone ──▶ starting …
 *      └────────────────── by itself with a code ──▶ gone, and a problem
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CrashPoint } from './crash-points.ts';
import type { Random } from './random.ts';
import type { Errand, Order, Report, WorkerSetup } from './worker-process.ts';
import type { Witness } from './witness.ts';

export interface FleetOptions {
  readonly slots: readonly Slot[];
  readonly setup: Omit<WorkerSetup, 'url'>;
  readonly witness: Witness;
  readonly say: (line: string) => void;
}

/** A place for a worker, with its way to Redis. */
export interface Slot {
  readonly url: string;
}

/** One worker process. */
export interface Member {
  readonly slot: number;
  readonly pid: number;
  /** Its id in pawl, once it is ready. */
  readonly worker: string | undefined;
  readonly gone: Promise<void>;
}

interface Process extends Member {
  readonly child: ChildProcess;
  worker: string | undefined;
  errors: string;
  /** Somebody here has killed it, and the kill is on record. */
  isKilled: boolean;
}

export interface Memory {
  readonly rss: number;
  readonly heap: number;
}

/** Compiled, as this file is. */
const program = fileURLToPath(new URL('worker-process.js', import.meta.url));
const endMsMax = 20_000;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #members: (Process | undefined)[] = [];
  readonly #memory = new Map<number, Memory>();
  /** By how much the clock of the next process of a slot is wrong. */
  readonly #clocks = new Map<number, number>();
  readonly #killAll = (): void => {
    for (const member of this.#members) member?.child.kill('SIGKILL');
  };
  #isStopping = false;
  #started = 0;
  #losses = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    process.on('exit', this.#killAll);
  }

  async start(): Promise<void> {
    for (const slot of this.#options.slots.keys()) this.#spawn(slot);
    await this.whole();
  }

  get size(): number {
    return this.#options.slots.length;
  }

  /** Processes started, and those that died without being asked to end. */
  get counts(): { readonly started: number; readonly losses: number } {
    return { started: this.#started, losses: this.#losses };
  }

  /** What the living workers used when they reported last. */
  get memory(): readonly Memory[] {
    return [...this.#memory.values()];
  }

  /** A slot, by chance. */
  draw(random: Random): number {
    return random.whole(0, this.size - 1);
  }

  /** The worker in a slot, whether or not it is ready. */
  member(slot: number): Member {
    const member = this.#members[slot];
    if (member === undefined) throw new Error(`slot ${slot} is empty`);
    return member;
  }

  /** Resolves when every slot has a worker that takes runs. */
  async whole(timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#members.every((member) => member?.worker !== undefined)) {
      if (performance.now() > deadline) throw new Error('the workers do not come to work');
      await sleep(10);
    }
  }

  /** SIGKILL; resolves when the process is gone and the next one has been started. */
  async kill(slot: number): Promise<void> {
    const member = this.#members[slot];
    if (member === undefined) return;
    member.isKilled = true;
    this.#recordKill(member);
    member.child.kill('SIGKILL');
    await member.gone;
  }

  signal(slot: number, signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#members[slot]?.child.kill(signal);
  }

  /** Asks a worker to end, and waits until it has; its slot gets another one, perhaps with a wrong clock. */
  async replace(slot: number, clockMs = 0): Promise<void> {
    const member = this.#members[slot];
    if (member === undefined) return;
    this.#clocks.set(slot, clockMs);
    member.child.kill('SIGTERM');
    const impatient = setTimeout(() => member.child.kill('SIGKILL'), endMsMax);
    await member.gone;
    clearTimeout(impatient);
  }

  arm(slots: readonly number[], point: CrashPoint): void {
    for (const slot of slots) this.#order(slot, { arm: point });
  }

  disarm(): void {
    for (const slot of this.#members.keys()) this.#order(slot, { disarm: true });
  }

  send(slot: number, errand: Errand): void {
    this.#order(slot, { errand });
  }

  /** Ends all workers; who has not ended after a while is killed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const members = this.#members.filter((member) => member !== undefined);
    for (const { child } of members) {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
    }
    const impatient = setTimeout(this.#killAll, endMsMax);
    await Promise.all(members.map(({ gone }) => gone));
    clearTimeout(impatient);
    process.off('exit', this.#killAll);
  }

  #order(slot: number, order: Order): void {
    this.#members[slot]?.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  #spawn(slot: number): void {
    const { slots, setup } = this.#options;
    const clockMs = this.#clocks.get(slot) ?? 0;
    this.#clocks.delete(slot);
    const child = spawn(
      process.execPath,
      [program, JSON.stringify({ url: slots[slot]?.url, ...setup })],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, PAWL_MATRIX_CLOCK_MS: String(clockMs) },
      },
    );
    this.#started += 1;
    child.stdin.on('error', () => undefined);
    const member: Process = {
      slot,
      child,
      pid: child.pid ?? 0,
      worker: undefined,
      errors: '',
      isKilled: false,
      gone: new Promise((resolve) => {
        // `close`, not `exit`: by then every line it wrote has been read.
        child.once('close', (code, signal) => {
          this.#ended(member, code, signal);
          resolve();
        });
      }),
    };
    this.#members[slot] = member;
    createInterface(child.stdout).on('line', (line) => this.#hear(member, line));
    child.stderr.on('data', (data: Buffer) => {
      member.errors = (member.errors + data.toString()).slice(-2000);
    });
  }

  #hear(member: Process, line: string): void {
    const { witness, say } = this.#options;
    const report = JSON.parse(line) as Report;
    switch (report.kind) {
      case 'ready':
        member.worker = report.worker;
        return;
      case 'told':
        witness.acknowledged(report.told);
        return;
      case 'body':
        witness.body(report.body);
        return;
      case 'unhandled':
        witness.unhandled(`worker ${member.worker}: ${report.error}`);
        return;
      case 'memory':
        this.#memory.set(member.slot, report);
        return;
      case 'log':
        say(`w${member.slot} ${report.level} ${report.message}`);
    }
  }

  #ended(member: Process, code: number | null, signal: NodeJS.Signals | null): void {
    const { witness } = this.#options;
    if (signal === 'SIGKILL' && !member.isKilled) this.#recordKill(member);
    // Before it is ready it does not listen, and holds nothing.
    const isEarly = signal === 'SIGTERM' && member.worker === undefined;
    if (signal !== 'SIGKILL' && code !== 0 && !isEarly) {
      witness.problem(
        `worker ${member.worker} ended by itself with ${signal ?? code}: ${member.errors.trim()}`,
      );
    }
    if (this.#members[member.slot] === member) {
      this.#members[member.slot] = undefined;
      if (!this.#isStopping) this.#spawn(member.slot);
    }
  }

  #recordKill({ worker }: Process): void {
    this.#losses += 1;
    if (worker !== undefined) this.#options.witness.killed({ worker, at: Date.now() });
  }
}
