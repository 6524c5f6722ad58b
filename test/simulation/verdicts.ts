/** What a run that has ended must look like, by its workflow: judged from its log, its output, and what happened outside. */
import { decode } from '../../src/core/codec.ts';
import type { EffectData, RewoundData } from '../../src/core/event.ts';
import { nesting } from '../../src/core/fold.ts';
import { base } from './oracle.ts';
import type { Keyspace, StreamEntry } from './redis/values.ts';
import { type DoubtName, type PayInput, resultsOf } from './workload/effects.ts';
import type { ParentInput } from './workload/families.ts';
import type { Outside } from './workload/outside.ts';
import { sumOf, type WorkInput } from './workload/ticks.ts';

export interface Witnesses {
  readonly keys: () => Keyspace;
  readonly outside: Outside;
  /** True when a run was once failed, cancelled, deleted or refused. */
  readonly wasBad: (run: string) => boolean;
  readonly violate: (what: string) => void;
}

/** Judges a run that has just completed with this output. */
export function judgeCompleted(run: string, output: string, witnesses: Witnesses): void {
  const workflow = witnesses.keys().hash(`${base}run:${run}`)?.get('workflow') ?? '';
  const input = decodeText(witnesses.keys().hash(`${base}payload:${run}`)?.get('input') ?? '');
  const result = decodeText(output);
  const log = witnesses.keys().stream(`${base}events:${run}`)?.entries ?? [];
  const problem = problemOf(workflow, { run, input, result, log }, witnesses);
  if (problem !== undefined) {
    witnesses.violate(`${workflow} ${run} ${problem}, for ${JSON.stringify(input)}`);
  }
}

/** Judges a run that has just failed with this error: a parent fails when it leaves a child, and for nothing else. */
export function judgeFailed(run: string, error: string, { keys, violate }: Witnesses): void {
  if (keys().hash(`${base}run:${run}`)?.get('workflow') !== 'parent') return;
  const input = decodeText(keys().hash(`${base}payload:${run}`)?.get('input') ?? '') as ParentInput;
  if (!input.leaves) violate(`parent ${run} failed: ${JSON.stringify(decodeText(error))}`);
}

interface Completed {
  readonly run: string;
  readonly input: unknown;
  readonly result: unknown;
  readonly log: readonly StreamEntry[];
}

function problemOf(workflow: string, about: Completed, witnesses: Witnesses): string | undefined {
  switch (workflow) {
    case 'work':
      return problemOfWork(about);
    case 'parent':
      return problemOfParent(about, witnesses);
    case 'pay':
      return problemOfPay(about, witnesses.outside);
    default:
      return undefined;
  }
}

/** What it returns is the sum of its events, each of which is, or was, in the log once. */
function problemOfWork({ input, result, log }: Completed): string | undefined {
  const given = input as WorkInput;
  const { sum, crowd } = result as { sum: number; crowd: number };
  if (sum !== sumOf(given) || crowd !== given.crowd) return `returned ${sum} and ${crowd}`;
  for (const [type, count] of [
    ['tick', given.count],
    ['crowd', given.crowd],
  ] as const) {
    const there = log.filter((entry) => typeOf(entry) === type).length;
    // Of a log that was compacted, and of one that began as a fork, only the sum tells what came before.
    const isWhole = log[0]?.major === 1 && forkedFrom(log[0]) === undefined;
    if (isWhole ? there !== count : there > count) return `has ${there} ${type} events`;
  }
  return undefined;
}

/** Each child returned its sum, or came to no good end, for which there was a reason. */
function problemOfParent({ run, input, result }: Completed, { wasBad }: Witnesses) {
  const { children } = input as ParentInput;
  const { ends } = result as { ends: readonly (number | 'bad')[] };
  for (const [i, child] of children.entries()) {
    const end = ends[i];
    const id = `${run}.child${i}`;
    const isRight =
      end === 'bad' ? child.fails || wasBad(id) : !child.fails && end === sumOf(child);
    if (!isRight) return `had ${end} of child ${i}`;
  }
  return undefined;
}

/** An effect was begun again only when its policy had allowed that. */
function problemOfPay(about: Completed, outside: Outside): string | undefined {
  const { run, input, result, log } = about;
  const { results } = result as { results: readonly unknown[] };
  for (const [i, name] of (input as PayInput).doubts.entries()) {
    if (!resultsOf[name].includes(results[i])) return `had ${String(results[i])} of ${name}`;
    const times = outside.happened(run, name);
    const mustHave = name === 'retry' || name === 'probe' || results[i] === 'paid';
    if (mustHave && times === 0)
      return `had ${String(results[i])} of ${name}, which never happened`;
    const again = begun(log, name) - 1;
    const allowed = allowedAgain(name, about, outside);
    if (again > allowed) return `began ${name} ${again} times again, and ${allowed} were allowed`;
  }
  return problemOfRewound(log);
}

function begun(log: readonly StreamEntry[], name: string): number {
  return log.filter(
    (entry) => typeOf(entry) === 'effect.begun' && (dataOf(entry) as EffectData).name === name,
  ).length;
}

function allowedAgain(name: DoubtName, { run, log }: Completed, outside: Outside): number {
  switch (name) {
    case 'retry':
      return Infinity;
    case 'skip':
      return 0;
    case 'probe':
      return outside.denied(run, name);
    case 'ask':
      return log.filter((entry) => {
        if (typeOf(entry) !== 'step.completed') return false;
        return (dataOf(entry) as { name: string }).name.startsWith(`${name}${nesting}doubt:`);
      }).length;
  }
}

/** No body of an effect that is not to be repeated begins when somebody has said that it may have happened. */
function problemOfRewound(log: readonly StreamEntry[]): string | undefined {
  const doubted = new Set<string>();
  for (const entry of log) {
    const type = typeOf(entry);
    if (type === 'run.rewound') {
      for (const effect of (dataOf(entry) as RewoundData).effects ?? []) doubted.add(effect);
    }
    if (type !== 'effect.begun') continue;
    const { name } = dataOf(entry) as EffectData;
    if (name === 'skip' && doubted.has(name))
      return `began ${name} after a rewind had put it in doubt`;
  }
  return undefined;
}

function typeOf({ fields }: StreamEntry): string {
  return fields[1] ?? '';
}

function dataOf({ fields }: StreamEntry): unknown {
  return decodeText(fields[5] ?? '');
}

function forkedFrom(entry: StreamEntry): unknown {
  return (dataOf(entry) as { forkedFrom?: unknown }).forkedFrom;
}

function decodeText(text: string): unknown {
  return decode(Buffer.from(text, 'latin1'), { key: 'simulation' });
}
