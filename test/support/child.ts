/**
 * Child processes for chaos tests: compiled scripts (`npm run compile`) that print one JSON value per line.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments for Node itself, before the file. */
  readonly nodeArgs?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What one line of a child's output holds. */
export type Message = Readonly<Record<string, unknown>>;

const children = new Set<NodeChild>();

/** The compiled form of a file named from the root of the repository, as `test/support/worker.ts`. */
export function compiled(file: string): string {
  const path = file.replace(/\.ts$/, '.js');
  // This file may be compiled itself.
  const root = import.meta.url.endsWith('.js') ? '../..' : '../../.build';
  return fileURLToPath(new URL(`${root}/${path}`, import.meta.url));
}

/** Starts `node file args…`. The child is killed with this process, or by `killChildren`. */
export function spawnNode(
  file: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): NodeChild {
  const child = new NodeChild(file, args, options);
  children.add(child);
  void child.exit.then(() => children.delete(child));
  return child;
}

/** Kills every child that still runs; resolves when all have ended. For `afterEach` or `afterAll`. */
export async function killChildren(): Promise<void> {
  const left = [...children];
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(left.map((child) => child.exit));
}

// The runner may end without running hooks, after a time-out for example.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

interface Waiter {
  readonly predicate: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
}

/** A running script and everything it has said so far. */
export class NodeChild {
  /** Every message until now, oldest first. */
  readonly messages: Message[] = [];
  readonly exit: Promise<Exit>;
  readonly #file: string;
  readonly #process: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  #errors = '';
  #exited: Exit | undefined;

  constructor(file: string, args: readonly string[], options: SpawnOptions) {
    this.#file = file;
    const child = spawn(process.execPath, [...(options.nodeArgs ?? []), file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    this.#process = child;
    createInterface(child.stdout).on('line', (line) => this.#receive(line));
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-8000);
    });
    child.once('error', (error) => {
      this.#errors += error.message;
    });
    this.exit = new Promise((resolve) => {
      // `close`, not `exit`: by then every line has been read.
      child.once('close', (code, signal) => {
        this.#exited = { code, signal };
        for (const waiter of this.#waiters) waiter.reject(this.#problem('ended'));
        this.#waiters.clear();
        resolve(this.#exited);
      });
    });
  }

  get pid(): number {
    const pid = this.#process.pid;
    if (pid === undefined) throw new Error(`${this.#file} was not started.`);
    return pid;
  }

  /** What it wrote to stderr: the last 8000 characters. */
  get errors(): string {
    return this.#errors;
  }

  /** The first message that fits, past ones included. Rejects after `timeoutMs`, or when the child ends first. */
  waitFor(predicate: (message: Message) => boolean, timeoutMs = 20_000): Promise<Message> {
    const past = this.messages.find(predicate);
    if (past !== undefined) return Promise.resolve(past);
    if (this.#exited !== undefined) return Promise.reject(this.#problem('ended'));
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        predicate,
        resolve: (message) => {
          settle();
          resolve(message);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(
        () => waiter.reject(this.#problem(`said nothing that fits within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#waiters.add(waiter);
    });
  }

  /** Sends a signal. SIGKILL also ends a child that SIGSTOP has frozen. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#process.kill(signal);
  }

  #receive(line: string): void {
    let message: Message;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value !== 'object' || value === null) throw new TypeError('not an object');
      message = value as Message;
    } catch {
      // Other output, a warning of Node for example, is kept for the error text.
      this.#errors = `${this.#errors}${line}\n`.slice(-8000);
      return;
    }
    this.messages.push(message);
    for (const waiter of this.#waiters) if (waiter.predicate(message)) waiter.resolve(message);
  }

  #problem(what: string): Error {
    const said = this.messages.slice(-5).map((message) => JSON.stringify(message));
    const ended = this.#exited && ` (code ${this.#exited.code}, signal ${this.#exited.signal})`;
    return new Error(
      [`${this.#file} ${what}${ended ?? ''}`, ...said, this.#errors.trimEnd()].join('\n  '),
    );
  }
}
