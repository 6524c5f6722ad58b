/**
 * Runs workloads: every contender of a workload in a process of its own, one at work at a time, in a new random order in
 * each round. Whatever the machine does meanwhile hits the contenders of a round alike, and ratios inside rounds stay.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { ContenderProcess } from './contender-process.ts';
import { type Fsync, type Row, toRows } from './result.ts';
import { shuffle } from './statistics.ts';
import type { Arena, Samples, Workload } from './workload.ts';

export interface ContestOptions {
  readonly url: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly slotMs: number;
  readonly contenders: RegExp | undefined;
  readonly profileDir: string | undefined;
  readonly say: (line: string) => void;
}

/** The append-only file is written anew above this size, between measurements. */
const fileBytesMax = 128 * 1024 * 1024;
/** Until then code is interpreted, and costs several times as much. */
const warmUpMs = 400;
const slowMs = 15 * 60_000;

export async function runWorkload(
  workload: Workload,
  fsync: Fsync,
  options: ContestOptions,
): Promise<Row[]> {
  const { url, quick, rounds, slotMs, say } = options;
  const redis = new Redis(url);
  await redis.config('SET', 'appendfsync', fsync);
  const taking = workload.contenders.filter(
    ({ name, slow }) => !(quick && slow === true) && (options.contenders?.test(name) ?? true),
  );
  const processes = taking.map(
    ({ name }) => new ContenderProcess(workload.name, name, options.profileDir),
  );
  const found = new Map(taking.map(({ name }) => [name, [] as Samples[]]));
  const arena: Arena = { url, slotMs, quick };
  try {
    // Round 0 warms the processes up. It is not for those that take minutes, nor are the rounds after the first.
    for (let round = workload.warm === false ? 1 : 0; round <= rounds; round++) {
      for (const contender of shuffle(processes)) {
        const slow = taking.find(({ name }) => name === contender.name)?.slow === true;
        if (slow && round !== 1) continue;
        await clear(redis);
        const slot = round === 0 ? Math.max(slotMs, warmUpMs) : slotMs;
        const samples = await contender.measure(
          { ...arena, slotMs: slot },
          slow ? slowMs : 120_000,
        );
        if (round > 0) found.get(contender.name)?.push(samples);
      }
    }
  } finally {
    await Promise.all(processes.map((contender) => contender.close()));
    await redis.flushall();
    redis.disconnect();
  }
  const rows = toRows(workload, fsync, found);
  for (const { contender, figure, median, unit, ratioToRaw } of rows) {
    const ratio = ratioToRaw === null ? '' : ` (${ratioToRaw.toFixed(2)} x)`;
    say(`  ${contender}, ${figure}: ${Number(median.toPrecision(4))} ${unit}${ratio}`);
  }
  return rows;
}

/** An empty Redis that is not busy with what was before. */
async function clear(redis: Redis): Promise<void> {
  await redis.flushall();
  const field = async (name: string): Promise<number> =>
    Number(new RegExp(`${name}:(\\d+)`).exec(await redis.info('persistence'))?.[1] ?? 0);
  if ((await field('aof_current_size')) < fileBytesMax) return;
  await redis.bgrewriteaof();
  do await pause(50);
  while ((await field('aof_rewrite_in_progress')) + (await field('aof_rewrite_scheduled')) > 0);
}
