/** Plays programs by the hundred under a fleet whose workers die, and tells what went wrong. */
import { Fleet } from './fleet.ts';
import { generate } from './generate.ts';
import type { Ground } from './ground.ts';
import { LargeValues } from './large-values.ts';
import { play } from './play.ts';
import { randomOf, type Seeded } from './program.ts';
import { Witness } from './witness.ts';

export interface Verdict {
  readonly programs: number;
  readonly crashes: number;
  readonly rewinds: number;
  readonly violations: readonly Violation[];
}

export interface Violation extends Seeded {
  readonly what: string;
  /** What happened to the run before. */
  readonly story: readonly string[];
}

export interface JudgeOptions {
  readonly seed: number;
  /** What is played, one program after the other. */
  readonly programs: Iterable<Seeded>;
  /** A place for each fleet. */
  readonly ground: () => Ground;
  readonly deathRate?: number;
  readonly hangMs?: number;
  /** Values lie in a blob store. */
  readonly blobs?: boolean;
}

/** Programs that are at work at one time, and how many of them a fleet plays before another one comes. */
const together = 30;
const togetherWithBlobs = 10;
const perFleet = 500;

/** The programs of a seed. */
export function* programsOf(seed: number, count: number): Generator<Seeded> {
  for (let n = 0; n < count; n++) {
    const own = seed * 1_000_003 + n;
    yield { seed: own, program: generate(own) };
  }
}

export async function judge(options: JudgeOptions): Promise<Verdict> {
  let total: Verdict = { programs: 0, crashes: 0, rewinds: 0, violations: [] };
  const programs = options.programs[Symbol.iterator]();
  for (let from = 0; ; from += perFleet) {
    const some: Seeded[] = [];
    while (some.length < perFleet) {
      const next = programs.next();
      if (next.done === true) break;
      some.push(next.value);
    }
    if (some.length === 0) return total;
    const verdict = await judgeSome(options, some, options.seed + from);
    total = {
      programs: total.programs + verdict.programs,
      crashes: total.crashes + verdict.crashes,
      rewinds: total.rewinds + verdict.rewinds,
      violations: [...total.violations, ...verdict.violations],
    };
  }
}

async function judgeSome(
  { ground, deathRate = 0.004, hangMs = 30_000, blobs = false }: JudgeOptions,
  programs: readonly Seeded[],
  seed: number,
): Promise<Verdict> {
  const random = randomOf(seed);
  const witness = new Witness();
  const violations: Violation[] = [];
  const unheld = (error: unknown): void =>
    witness.violate('', `unhandled rejection: ${String(error)}`);
  process.on('unhandledRejection', unheld);
  const large = blobs ? new LargeValues(random) : undefined;
  const around = { ground: ground(), witness, random, large };
  const fleet = await Fleet.begin({ ...around, workers: 3, deathRate });
  const rest = programs.entries();
  const loop = async (): Promise<void> => {
    for (const [n, one] of rest) {
      for (const found of await play({ fleet, witness, hangMs }, one, `p${one.seed}-${n}`)) {
        violations.push({ ...one, ...found });
      }
      if (random() < 0.02) await fleet.redeploy();
    }
  };
  try {
    await Promise.all(Array.from({ length: blobs ? togetherWithBlobs : together }, loop));
  } finally {
    await fleet.end();
    process.off('unhandledRejection', unheld);
  }
  for (const { what, story } of witness.violations.filter(({ run }) => run === '')) {
    violations.push({ seed, what, story, program: { parts: [] } });
  }
  return { programs: programs.length, crashes: fleet.losses, rewinds: fleet.rewinds, violations };
}
