/**
 * Plays histories with planted bugs, one after the other in one process: there the scripts are loaded, and the interpreter
 * is warm. Its argument is a list of plants, each with the seed that is tried first. Each plant gives a line of JSON: what
 * was found, with the seed that found it.
 */
import { plants } from './plants.ts';
import { Simulation } from './simulation.ts';

/** A plant, and where to look for it first. */
export interface Sought {
  readonly name: string;
  readonly seed: number;
}

export interface Found extends Sought {
  readonly violations: readonly string[];
}

/** Some bugs need luck, of which each seed has another. */
const seedsMax = 40;
const about = { calls: 6_000, endMs: 120_000 };

async function find({ name, seed: first }: Sought): Promise<Found> {
  const plant = plants[name];
  if (plant === undefined) throw new Error(`there is no plant "${name}"`);
  for (let seed = first; seed <= seedsMax; seed++) {
    const { violations } = await new Simulation({ ...about, seed, plant }).run();
    if (violations.length > 0) return { name, seed, violations };
  }
  return { name, seed: seedsMax, violations: [] };
}

for (const sought of JSON.parse(process.argv[2] ?? '[]') as readonly Sought[]) {
  console.log(JSON.stringify(await find(sought)));
}
