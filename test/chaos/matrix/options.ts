/** The command line of the matrix. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface Options {
  readonly seed: number;
  /** How long faults are injected; without an end by count. */
  readonly minutes: number;
  /** Ends after this many faults instead. */
  readonly faults: number | undefined;
  /** Ends after this many kills of workers, and injects nothing else. */
  readonly kills: number | undefined;
  /** Starts this many runs, spread over the faults; else as many as fit. */
  readonly runs: number | undefined;
  /** Kinds of faults, or beginnings of their names. */
  readonly only: readonly string[];
  readonly workers: number;
  readonly soak: boolean;
  /** Runs that kill their workers, among so many innocent ones as `runs` says; no faults. */
  readonly poison: number | undefined;
  readonly json: boolean;
}

export const usage = `npm run test:chaos -- [options]

  --seed N       repeats the faults of another time (default random)
  --minutes M    how long to inject faults (default 3)
  --faults N     injects N faults, however long it takes
  --kills N      kills N workers, one after the other, and injects nothing else
  --runs N       starts N runs in all (default as many as fit)
  --only a,b     only faults whose kind begins with one of these; see --list
  --workers N    worker processes, 2-8 (default 4)
  --poison N     no faults: N runs that kill their workers, among 200 innocent ones (or --runs)
  --soak         watches memory: no faults, finished runs are deleted
  --list         prints the kinds of faults
  --json         prints the report as one JSON document; all else goes to stderr

Ends with 0 when nothing was violated, 1 when something was, 2 when an option is wrong.
`;

/** A wrong command line: the message says what to write instead. */
export class UsageError extends Error {}

/** Reads the command line; a word when only that was asked for. `kinds` are those there are. */
export function readOptions(
  args: readonly string[],
  kinds: readonly string[],
): Options | 'help' | 'list' {
  const values = parse(args);
  if (values.help === true) return 'help';
  if (values.list === true) return 'list';
  const count = (name: 'faults' | 'kills' | 'runs' | 'poison'): number | undefined =>
    values[name] === undefined ? undefined : whole(`--${name}`, values[name], 1, 100_000);
  return {
    seed:
      values.seed === undefined ? randomInt(2 ** 32) : whole('--seed', values.seed, 0, 2 ** 32 - 1),
    minutes: minutesOf(values.minutes),
    faults: count('faults'),
    kills: count('kills'),
    runs: count('runs'),
    poison: count('poison'),
    only: onlyOf(values.only ?? '', kinds),
    workers: whole('--workers', values.workers, 2, 8),
    soak: values.soak ?? false,
    json: values.json ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string', default: '3' },
        faults: { type: 'string' },
        kills: { type: 'string' },
        runs: { type: 'string' },
        only: { type: 'string' },
        workers: { type: 'string', default: '4' },
        poison: { type: 'string' },
        soak: { type: 'boolean' },
        list: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${name} must be a whole number from ${min} to ${max}, it is "${text}".`);
}

function onlyOf(text: string, kinds: readonly string[]): readonly string[] {
  const only = text.split(',').filter((beginning) => beginning !== '');
  const unknown = only.find((beginning) => !kinds.some((kind) => kind.startsWith(beginning)));
  if (unknown === undefined) return only;
  throw new UsageError(`--only: no kind of fault begins with "${unknown}"; --list prints them.`);
}

function minutesOf(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 1440) return value;
  throw new UsageError(`--minutes must be a number above 0, at most 1440, it is "${text}".`);
}
