/**
 * `npm run fuzz -- --programs N --seed S [--redis] [--blobs] [--encrypted] [--json] [--plant <name>]
 * [--replay <seed> | --program <json>]`: random programs under random faults. A program that fails is made smaller and
 * printed with its seed. Exit code 1 for a violation.
 */
import { parseArgs } from 'node:util';
import { provideRedis } from '../../src/testing/provide-redis.ts';
import { generate } from './generate.ts';
import { encrypted, inMemory, onRedis } from './ground.ts';
import { judge, programsOf, type Violation } from './judge.ts';
import { plants } from './plants.ts';
import type { Program, Seeded } from './program.ts';
import { shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    programs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    redis: { type: 'boolean', default: false },
    blobs: { type: 'boolean', default: false },
    encrypted: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    plant: { type: 'string' },
    replay: { type: 'string' },
    program: { type: 'string' },
  },
});

const seed = Number(values.seed);
const count = Number(values.programs);
const { blobs } = values;
const redis = values.redis ? await provideRedis() : undefined;
const plain = redis === undefined ? inMemory : () => onRedis(redis.url);
const ground = values.encrypted ? () => encrypted(plain()) : plain;
if (values.plant !== undefined) {
  const plant = plants[values.plant];
  if (plant === undefined) throw new Error(`plants are: ${Object.keys(plants).join(', ')}`);
  plant();
}

/** So often a program is played to see whether it fails: chance has a part in it. */
const trials = 30;
const shrinkMs = 60_000;
const shrunkMost = 3;

function* again({ seed: own, program }: Seeded, times: number): Generator<Seeded> {
  for (let n = 0; n < times; n++) yield { seed: own + n, program };
}

async function fails(own: number, program: Program): Promise<boolean> {
  const programs = again({ seed: own, program }, trials);
  const options = { seed: own, programs, ground, blobs, deathRate: 0.02, hangMs: 8_000 };
  return (await judge(options)).violations.length > 0;
}

function played(): Iterable<Seeded> {
  if (values.program !== undefined) {
    return again({ seed, program: JSON.parse(values.program) as Program }, count);
  }
  if (values.replay === undefined) return programsOf(seed, count);
  const own = Number(values.replay);
  return again({ seed: own, program: generate(own) }, count);
}

async function print(
  { seed: own, what, program, story }: Violation,
  isShrunk: boolean,
): Promise<void> {
  console.log(`seed ${own}: ${what}\n  ${JSON.stringify(program)}`);
  for (const line of story) console.log(`    ${line}`);
  if (!isShrunk || !(await fails(own, program))) return;
  const smallest = await shrink(program, (smaller) => fails(own, smaller), { ms: shrinkMs });
  console.log(`  smaller: --seed ${own} --program '${JSON.stringify(smallest)}'`);
}

const began = performance.now();
const verdict = await judge({ seed, programs: played(), ground, blobs });
const seconds = Math.round((performance.now() - began) / 1_000);
const { programs, crashes, rewinds, violations } = verdict;
if (values.json) {
  console.log(JSON.stringify({ programs, crashes, rewinds, seconds, violations }));
} else {
  console.log(
    `${programs} programs, ${crashes} crashes, ${rewinds} rewinds, ${violations.length} violations, ${seconds} s`,
  );
  for (const [n, violation] of violations.entries()) await print(violation, n < shrunkMost);
}
await redis?.stop();
process.exit(violations.length > 0 ? 1 : 0);
