/**
 * The guard of pawl's speed, for CI: a few telling workloads against their baselines, compared with ratios that were
 * recorded before. Only ratios inside rounds are looked at, because a busy machine slows both sides down; a workload that
 * seems slower is measured again, and fails only when three tries in a row say so.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runWorkload } from './contest.ts';
import type { Row } from './result.ts';
import { median } from './statistics.ts';
import type { Workload } from './workload.ts';
import { workloads } from './workloads.ts';

const recordedFile = fileURLToPath(new URL('../../bench/recorded.json', import.meta.url));
/** Those whose ratios are steady also on a busy machine. */
const guarded = ['append-64', 'load', 'steps'];
const contenders = /^(raw|raw, one field|pawl)$/;
/** Of the recorded ratio; what is below has become slower. */
const allowed = 0.8;
const tries = 3;
const recordings = 5;
const how = { quick: true, rounds: 5, slotMs: 250, profileDir: undefined, contenders };

/** Workload → how often pawl does the work while its baseline does it once. */
export type Ratios = Readonly<Record<string, number>>;

/** pawl's speed over the baseline's: for times, which are better when lower, the other way round. */
export function speedRatio(rows: readonly Row[]): number {
  const row = rows.find(({ contender }) => contender === 'pawl');
  if (row === undefined || row.ratioToRaw === null) throw new Error('pawl was not measured');
  return row.better === 'higher' ? row.ratioToRaw : 1 / row.ratioToRaw;
}

/**
 * Measures each workload up to three times; returns those that were too slow each time, in words.
 * A workload without a recorded ratio is too slow as well: nobody may forget to record it.
 */
export async function guard(
  names: readonly string[],
  recorded: Ratios,
  measure: (name: string) => Promise<number>,
): Promise<string[]> {
  const slower: string[] = [];
  for (const name of names) {
    const before = recorded[name];
    if (before === undefined) {
      slower.push(`${name} has no recorded ratio; npm run bench -- --guard --record writes one`);
      continue;
    }
    const found: number[] = [];
    while (found.length < tries && found.every((ratio) => ratio < allowed * before)) {
      found.push(await measure(name));
    }
    if (found.every((ratio) => ratio < allowed * before)) {
      const shown = found.map((ratio) => ratio.toFixed(2)).join(', ');
      slower.push(`${name}: ${shown} of its baseline, and ${before.toFixed(2)} was recorded`);
    }
  }
  return slower;
}

/** The whole of `--guard`; false when something has become slower. */
export async function runGuard(
  url: string,
  { record, say }: { readonly record: boolean; readonly say: (line: string) => void },
): Promise<boolean> {
  const measure = async (name: string): Promise<number> => {
    const ratio = speedRatio(
      await runWorkload(find(name), 'everysec', { ...how, url, say: quiet }),
    );
    say(`${name}: ${ratio.toFixed(2)} of its baseline`);
    return ratio;
  };
  if (record) {
    await writeRecorded(measure);
    say(`Recorded in ${recordedFile}`);
    return true;
  }
  const slower = await guard(guarded, await readRecorded(), measure);
  for (const line of slower) say(`SLOWER THAN RECORDED: ${line}`);
  return slower.length === 0;
}

/** A median over several measurements, each workload once in each turn: the machine's moods spread over all of them. */
async function writeRecorded(measure: (name: string) => Promise<number>): Promise<void> {
  const found = new Map(guarded.map((name) => [name, [] as number[]]));
  for (let turn = 0; turn < recordings; turn++) {
    for (const name of guarded) found.get(name)?.push(await measure(name));
  }
  const ratios = [...found].map(([name, values]) => [name, Number(median(values).toFixed(3))]);
  await writeFile(recordedFile, `${JSON.stringify(Object.fromEntries(ratios), undefined, 2)}\n`);
}

async function readRecorded(): Promise<Ratios> {
  return JSON.parse(await readFile(recordedFile, 'utf8')) as Ratios;
}

function find(name: string): Workload {
  const workload = workloads.find((one) => one.name === name);
  if (workload === undefined) throw new Error(`there is no workload ${name}`);
  return workload;
}

function quiet(): void {
  // The guard tells its own lines.
}
