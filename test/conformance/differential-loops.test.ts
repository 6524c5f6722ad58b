// Goal: a loop of one's own finds what it has saved, whatever it does to its state in between, and an old claim changes
// nothing. Method: random loops against a model that keeps whole copies, on every checkpointer. `PAWL_FUZZ_RUNS` and
// `PAWL_FUZZ_SEED` ask for more of them and for others.
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import {
  openFileCheckpointer,
  openMemoryCheckpointer,
  openRedisCheckpointer,
} from '../support/checkpointers.ts';
import { LoopPlay, loops } from '../support/fuzz/loops.ts';
import { newPrefix } from '../support/workers.ts';

const runs = Number(process.env['PAWL_FUZZ_RUNS'] ?? 50);
const seed = Number(process.env['PAWL_FUZZ_SEED'] ?? 20_261_128);

const outcomes = [
  ...['save', 'patch'].flatMap((what) =>
    ['done', 'PAWL_FENCED', 'PAWL_CONFLICT'].map((code) => `${what} ${code}`),
  ),
  'patch PAWL_INVALID',
  'emit done',
  'emit PAWL_FENCED',
  'load',
];

test.each([
  ['in memory', openMemoryCheckpointer],
  ['in files', () => openFileCheckpointer(false)],
  ['on Redis', () => openRedisCheckpointer(inject('redisUrl'), newPrefix())],
])(
  'random loops find what they have saved: %s',
  { timeout: 60_000 + runs * 100 },
  async (_, open) => {
    const opened = await open();
    const checkpointers = [opened.checkpointer, opened.other] as const;
    const met = new Set<string>();
    let count = 0;
    try {
      const property = fc.asyncProperty(loops, async (moves) => {
        const play = new LoopPlay(`loop-${(count += 1)}`, checkpointers, (found, wanted, what) =>
          expect(found, what).toStrictEqual(wanted),
        );
        // A play changes what it is given in place.
        await play.play(structuredClone(moves));
        for (const what of play.met) met.add(what);
      });
      await fc.assert(property, { numRuns: runs, seed });
    } finally {
      await opened.close();
    }
    expect([...met]).toEqual(expect.arrayContaining(outcomes));
  },
);
