/** The command line. */
import { parseArgs } from 'node:util';

export interface Options {
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: RegExp | undefined;
  readonly contenders: RegExp | undefined;
  /** Only with this setting of Redis. */
  readonly fsync: string | undefined;
  readonly rounds: number;
  readonly slotMs: number;
  readonly markdown: boolean;
  readonly docs: boolean;
  /** Results to render as one. */
  readonly from: readonly string[] | undefined;
  /** A folder for the result of each workload. What is there is not measured again. */
  readonly into: string | undefined;
  readonly profileDir: string | undefined;
  readonly guard: boolean;
  readonly record: boolean;
  readonly plants: boolean;
  readonly growth: boolean;
  readonly help: boolean;
}

export const usage = `npm run bench -- [options]
  --quick            under 90 s: fewer rounds, short slots, without what takes minutes
  --only <pattern>   workloads whose name fits, e.g. append-64; a comma means or
  --contenders <pattern>
  --fsync <setting>  with everysec alone, or with always alone; default both
  --rounds <n>       interleaved rounds, default 5 (quick: 3)
  --slot <ms>        how long a rate is measured, default 1000 (quick: 150)
  --json             the result on stdout, for machines (npm run -s bench -- --json)
  --markdown         tables for docs on stdout
  --docs             puts those tables into docs/performance.md
  --from <files>     renders results that were printed by --json, joined by commas, as one; measures nothing
  --into <folder>    keeps the result of each workload there; what is there is not measured again, so stop when you like
  --profile <dir>    writes a CPU profile of each contender there
  --guard            some minutes: fails when pawl is slower than the commit of bench/recorded.json, built beside it
  --guard --record   makes the last commit the one of bench/recorded.json
  --guard --plants   guards the guard: slowdowns of a fifth must fail, a copy of the build must not
  --growth           curves: what an operation costs as runs, events, state and workers grow; minutes
Everything else is told on stderr; charts are in bench/report.html.`;

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      guard: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      plants: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      only: { type: 'string' },
      contenders: { type: 'string' },
      fsync: { type: 'string' },
      rounds: { type: 'string' },
      slot: { type: 'string' },
      from: { type: 'string' },
      into: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const { json, quick, markdown, docs, help, from, guard, record, plants, growth } = values;
  return {
    json,
    quick,
    markdown,
    docs,
    help,
    from: from?.split(','),
    profileDir: values.profile,
    guard,
    record,
    plants,
    growth,
    fsync: values.fsync,
    into: values.into,
    only: toPattern(values.only),
    contenders: toPattern(values.contenders),
    rounds: count(values.rounds, quick ? 3 : 5),
    slotMs: count(values.slot, quick ? 150 : 1_000),
  };
}

function toPattern(text: string | undefined): RegExp | undefined {
  return text === undefined ? undefined : new RegExp(`^(${text.replaceAll(',', '|')})`);
}

function count(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${text} is not a count; see --help`);
  return value;
}
