/**
 * The guard of pawl's speed: what users call, held to the build of a commit that bench/recorded.json names. Both builds do
 * the same work on the same Redis, one right after the other, until the pairs say for sure whether the new one is slower.
 *
 * Processor time of the client and of Redis is what is judged: other work on the machine hardly changes it. What only waits
 * takes none, so the clock is looked at as well.
 *
 * A clone without that commit holds it to raw instead, by the ratios that were recorded. That sees less: they are of another
 * machine, in another mood.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Copy } from './guard/copies.ts';
import {
  costPairs,
  type Measure,
  measures,
  type Pairs,
  pairsOf,
  type Side,
} from './guard/pairs.ts';
import { type Plant, plants, share, slowed } from './guard/plants.ts';
import { decide, judge, type Verdict } from './guard/verdict.ts';
import { median } from './statistics.ts';
import type { Workload } from './workload.ts';
import { workloads } from './workloads.ts';

const recordedFile = fileURLToPath(new URL('../../bench/recorded.json', import.meta.url));

/** What users call: workload → contender. */
export const guarded: Readonly<Record<string, string>> = {
  'append-64': 'pawl, claim.saveEvent',
  'save-one-100kb': 'pawl, claim.saveSnapshot',
  load: 'pawl, loadLatest',
  'step-64': 'pawl',
  runs: 'pawl',
};

/** Pairs of one generation of processes, and so many generations at least and at most. */
const pairsOfGeneration = 8;
const generationsMin = 2;
const generationsMax = 8;

type Ratios = Readonly<Record<Measure, number>>;

export interface Recorded {
  readonly commit: string;
  /** Workload → how many times as fast as its baseline, for a clone that does not have the commit. */
  readonly ratios: Readonly<Record<string, Ratios>>;
}

export interface GuardOptions {
  readonly url: string;
  readonly only: RegExp | undefined;
  readonly say: (line: string) => void;
}

export interface Judgement {
  readonly slower: boolean;
  readonly of: Readonly<Record<Measure, Verdict>>;
}

const alike: Ratios = { client: 1, server: 1, clock: 1 };

/**
 * Generation after generation, until processor times are clear. The clock is what a busy machine changes most, so nobody
 * waits for it to become clear: it counts when it is slower for sure. `expected`: the ratios of one that is as fast.
 */
export async function compare(
  generation: (pairs: number) => Promise<Pairs>,
  expected: Ratios = alike,
): Promise<Judgement> {
  const pairs: Record<Measure, number[]> = { client: [], server: [], clock: [] };
  const verdict = (measure: Measure): Verdict => judge(pairs[measure]);
  for (let generations = 1; ; generations++) {
    const found = await generation(pairsOfGeneration);
    for (const measure of measures) {
      pairs[measure].push(...found[measure].map((ratio) => ratio / expected[measure]));
    }
    const times = [verdict('client'), verdict('server')];
    const isClear =
      times.some(({ outcome }) => outcome === 'slower') ||
      times.every(({ outcome }) => outcome === 'as fast');
    if (generations >= generationsMax || (isClear && generations >= generationsMin)) break;
  }
  const of = {
    client: decide(verdict('client')),
    server: decide(verdict('server')),
    clock: verdict('clock'),
  };
  return { of, slower: measures.some((measure) => of[measure].outcome === 'slower') };
}

/** The whole of `--guard`; false when something has become slower. */
export async function runGuard({ url, only, say }: GuardOptions): Promise<boolean> {
  const { commit, ratios } = JSON.parse(await readFile(recordedFile, 'utf8')) as Recorded;
  const known = await Copy.commit(commit);
  await using copy = known === undefined ? undefined : await Copy.ofCommit(known);
  say(
    copy === undefined
      ? `This clone has no commit ${commit}: compared with the ratios that were recorded of it`
      : `Compared with commit ${commit}`,
  );
  let isAsFast = true;
  for (const name of namesOf(only)) {
    const workload = find(name);
    const contender = guarded[name] ?? '';
    const expected = copy === undefined ? ratios[name] : alike;
    if (expected === undefined) {
      isAsFast = false;
      say(`SLOWER THAN RECORDED: ${name} has no recorded ratio; --guard --record writes one`);
      continue;
    }
    const other: Side =
      copy === undefined ? { contender: workload.baseline } : { contender, main: copy.main };
    const sides = { one: { contender }, other };
    const judgement = await compare((pairs) => pairsOf(url, workload, sides, pairs), expected);
    const line = `${name}: ${shown(judgement)} of the speed`;
    say(judgement.slower ? `SLOWER THAN RECORDED: ${line}` : line);
    isAsFast &&= !judgement.slower;
  }
  return isAsFast;
}

/** Names the last commit as the one to be held to. */
export async function record({ url, say }: GuardOptions): Promise<void> {
  const commit = await Copy.commit('HEAD');
  if (commit === undefined) throw new Error('this is no clone: there is no commit to record');
  if (!(await Copy.isCommitted())) throw new Error('src or bench has changes; commit them first');
  const ratios: Record<string, Ratios> = {};
  for (const [name, contender] of Object.entries(guarded)) {
    const workload = find(name);
    const sides = { one: { contender }, other: { contender: workload.baseline } };
    const pairs: Record<Measure, number[]> = { client: [], server: [], clock: [] };
    for (let generation = 0; generation < generationsMin; generation++) {
      const found = await pairsOf(url, workload, sides, pairsOfGeneration);
      for (const measure of measures) pairs[measure].push(...found[measure]);
    }
    const of = (measure: Measure): number => Number(median(pairs[measure]).toFixed(3));
    ratios[name] = { client: of('client'), server: of('server'), clock: of('clock') };
    say(`${name}: ${JSON.stringify(ratios[name])} of ${workload.baseline}`);
  }
  const recorded: Recorded = { commit, ratios };
  await writeFile(recordedFile, `${JSON.stringify(recorded, undefined, 2)}\n`);
  say(`Recorded in ${recordedFile}`);
}

/**
 * Guards the guard: a copy of this build must be found as fast as this build, and each copy with a planted slowdown slower.
 * False when one of them is not.
 */
export async function runPlants(options: GuardOptions): Promise<boolean> {
  const { url, say } = options;
  await using copy = await Copy.ofWorkingDirectory();
  const chosen = plants.filter(({ workload }) => options.only?.test(workload) !== false);
  let isRight = true;
  const against = async (name: string, what: string, wanted: boolean): Promise<void> => {
    const contender = guarded[name] ?? '';
    const sides = { one: { contender, main: copy.main }, other: { contender } };
    const judgement = await compare((pairs) => pairsOf(url, find(name), sides, pairs));
    const isOk = judgement.slower === wanted;
    isRight &&= isOk;
    const outcome = judgement.slower ? 'slower' : 'as fast';
    const mark = isOk ? 'ok    ' : 'FAILED';
    say(`${mark} ${outcome}: ${name}, ${what}: ${shown(judgement)} of the speed`);
  };
  for (const plant of chosen) {
    await copy.build();
    await against(plant.workload, 'nothing planted', false);
    const ms = share * (await operationMs(url, plant));
    await copy.plant(plant.file, plant.passage, slowed(plant, ms));
    await against(plant.workload, `${(1000 * ms).toFixed(1)} µs planted in ${plant.what}`, true);
  }
  return isRight;
}

/** What one operation takes now, in milliseconds: of the processor, so that other work does not count. */
async function operationMs(url: string, { workload: name, alone }: Plant): Promise<number> {
  const here = { contender: guarded[name] ?? '' };
  const pairs = await costPairs(url, find(name), { one: here, other: here }, pairsOfGeneration);
  return median(
    pairs
      .flat()
      .map(({ client, server }) => (alone === true ? client + server : Math.max(client, server))),
  );
}

function namesOf(only: RegExp | undefined): string[] {
  return Object.keys(guarded).filter((name) => only?.test(name) !== false);
}

function shown({ of }: Judgement): string {
  const one = ({ median: middle, low, high }: Verdict): string =>
    `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
  return measures.map((measure) => `${measure} ${one(of[measure])}`).join(', ');
}

function find(name: string): Workload {
  const workload = workloads.find((one) => one.name === name);
  if (workload === undefined) throw new Error(`there is no workload ${name}`);
  return workload;
}
