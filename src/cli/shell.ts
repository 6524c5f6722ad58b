/** What every command has at hand: the settings, the pawl they lead to, the user's workflows, and both outputs. */
import type { Command } from 'commander';
import pc from 'picocolors';
import type { Pawl } from '../pawl.ts';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';
import { NotFoundError, RefusedError, UsageError } from './failures.ts';
import { loadWorkflows } from './modules.ts';
import { type Look, pairs, table } from './print.ts';
import { type GlobalFlags, readSettings, type Settings } from './settings.ts';

/** Above so many, a yes is not enough: the number must be typed. */
const typedAbove = 100;

const statusColors: Readonly<Record<string, 'green' | 'red' | 'yellow' | 'cyan' | 'gray'>> = {
  completed: 'green',
  failed: 'red',
  quarantined: 'red',
  interrupted: 'yellow',
  waiting: 'yellow',
  running: 'cyan',
  cancelled: 'gray',
};

const usualColumns = 80;

export class Shell {
  readonly flags: GlobalFlags;
  readonly settings: Settings;
  /** Fires when the user wants it to end. */
  readonly signal: AbortSignal;
  readonly color: ReturnType<typeof pc.createColors>;
  #pawl: Promise<Pawl> | undefined;
  #workflows: Promise<ReadonlyMap<string, AnyWorkflow>> | undefined;

  constructor(flags: GlobalFlags, settings: Settings, signal: AbortSignal) {
    this.flags = flags;
    this.settings = settings;
    this.signal = signal;
    const asked = process.env['FORCE_COLOR'] !== undefined || process.stdout.isTTY;
    const isRefused = flags.color === false || process.env['NO_COLOR'] !== undefined;
    this.color = pc.createColors(asked && !isRefused);
  }

  get json(): boolean {
    return this.flags.json === true;
  }

  /** One document: as JSON with `--json`, else as the lines that `human` makes. */
  show(value: unknown, human: () => string | readonly string[]): void {
    if (this.json) {
      this.print(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined));
      return;
    }
    const lines = human();
    this.print(typeof lines === 'string' ? lines : lines.join('\n'));
  }

  /** One of many documents that come one after the other. */
  showLine(value: unknown, human: () => string): void {
    this.print(this.json ? JSON.stringify(value) : human());
  }

  /** A table for people: on a terminal with colours and ages, and as wide as that; elsewhere whole. */
  table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
    return rows.length === 0 ? '' : table(head, rows, this.#terminal);
  }

  /** Names and values below each other, on a terminal with the ages of times. */
  pairs(entries: Readonly<Record<string, unknown>>): string[] {
    return pairs(entries, process.stdout.isTTY ? this.#terminal : undefined);
  }

  get #terminal(): Look {
    const { isTTY, columns } = process.stdout;
    return {
      width: isTTY ? (columns ?? usualColumns) : undefined,
      now: new Date(),
      paint: (text, column) => {
        const color = column === 'status' ? statusColors[text.split(/\W/)[0] ?? ''] : undefined;
        return color === undefined ? text : this.color[color](text);
      },
    };
  }

  print(text: string): void {
    if (text !== '') process.stdout.write(`${text}\n`);
  }

  /** For people, on standard error. */
  say(text: string): void {
    if (this.flags.quiet !== true) process.stderr.write(`${text}\n`);
  }

  /** The command that is likely to come next; only where a person reads it. */
  next(command: string): void {
    if (process.stderr.isTTY) this.say(this.color.dim(`next: ${command}`));
  }

  /** Connected when it is first asked for. `at`: to another Redis than that of the settings. */
  pawl(at?: string): Promise<Pawl> {
    this.#pawl ??= this.#open(at);
    return this.#pawl;
  }

  async #open(at: string | undefined): Promise<Pawl> {
    const { redis, prefix, connectMs, encryption, blobs } = this.settings;
    const { Pawl: opened } = await import('../pawl.ts');
    const ms = Number(connectMs.value);
    if (!(ms > 0)) throw new UsageError('--connect-ms must be a number of milliseconds.');
    return opened.open({
      redis: at ?? redis.value ?? '',
      connectMs: ms,
      ...(this.flags.quiet === true ? { logger: false as const } : {}),
      ...(prefix.value === undefined ? {} : { prefix: prefix.value }),
      ...(encryption === undefined ? {} : { encryption: encryption as never }),
      ...(blobs === undefined ? {} : { blobs: blobs as never }),
    });
  }

  /** The user's workflows; undefined when no file is named. */
  async workflows(): Promise<ReadonlyMap<string, AnyWorkflow> | undefined> {
    const file = this.settings.runs.value;
    if (file === undefined) return undefined;
    this.#workflows ??= loadWorkflows(file);
    return this.#workflows;
  }

  /** The user's workflow of that name; undefined when no file is named. */
  async findWorkflow(name: string): Promise<AnyWorkflow | undefined> {
    const workflows = await this.workflows();
    if (workflows === undefined) return undefined;
    const workflow = workflows.get(name);
    if (workflow !== undefined) return workflow;
    throw new NotFoundError(
      `${this.settings.runs.value} has no workflow ${name}; it has ${[...workflows.keys()].join(', ')}.`,
    );
  }

  /** The user's workflow of that name. @throws UsageError that says what needs it. */
  async needWorkflow(name: string, what: string): Promise<AnyWorkflow> {
    const workflow = await this.findWorkflow(name);
    if (workflow !== undefined) return workflow;
    throw new UsageError(
      `${what} needs the code of workflow ${name}: name the file with --runs, PAWL_RUNS or "runs" in pawl.config.`,
    );
  }

  /** Who is noted in the logs of runs. */
  get request(): { readonly actor: string } {
    return { actor: this.settings.actor.value ?? `pawl cli, ${process.env['USER'] ?? 'somebody'}` };
  }

  /**
   * Asks before something is destroyed.
   * @throws UsageError where nobody can be asked; RefusedError when the answer is no.
   */
  async confirm(what: string, count = 1): Promise<void> {
    if (this.flags.yes === true) return;
    if (!process.stdin.isTTY || !process.stderr.isTTY || this.flags.interactive === false) {
      throw new UsageError(
        `${what}? This needs a yes, and there is no terminal to ask at: add --yes.`,
      );
    }
    const prompts = await import('@clack/prompts');
    const message = `${what}?`;
    const asked = { message, output: process.stderr, signal: this.signal };
    const isYes =
      count > typedAbove
        ? (await prompts.text({ ...asked, placeholder: `type ${count}` })) === String(count)
        : (await prompts.confirm({ ...asked, initialValue: false })) === true;
    if (!isYes) throw new RefusedError('Nothing was done.');
  }

  /** Tells how far a long work is, where a person sees it. Returns the way to say more, and to end. */
  async progress(title: string): Promise<{ at: (text: string) => void; end: () => void }> {
    if (!process.stderr.isTTY || this.flags.quiet === true) {
      return { at: () => undefined, end: () => undefined };
    }
    const { spinner } = await import('@clack/prompts');
    const bar = spinner({ output: process.stderr, signal: this.signal });
    bar.start(title);
    return { at: (text) => bar.message(text), end: () => bar.stop(title) };
  }

  async close(): Promise<void> {
    const pawl = await this.#pawl?.catch(() => undefined);
    await pawl?.close();
  }
}

/** Adds a command, or a noun with its verbs; the signal fires when the user wants it to end. */
export type Add = (parent: Command, signal: AbortSignal) => void;

/** An action of a command: makes the shell, runs the task, turns its number into the exit code, closes the shell. */
export function inShell<Given extends readonly unknown[]>(
  signal: AbortSignal,
  task: (shell: Shell, ...given: Given) => Promise<number | void>,
): (...given: [...Given, Command]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const given = all.slice(0, -1) as unknown as Given;
    const flags = command.optsWithGlobals<GlobalFlags>();
    const shell = new Shell(flags, await readSettings(flags), signal);
    try {
      const code = await task(shell, ...given);
      if (typeof code === 'number' && !signal.aborted) process.exitCode = code;
    } finally {
      await shell.close();
    }
  };
}
