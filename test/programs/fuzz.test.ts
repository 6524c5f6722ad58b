// Goal: random programs, handlers and graphs, end as they may, whatever dies, is lost or forgotten around them; and a judge
// that sees nothing is noticed. Method: the program fuzz in a short form; docs/reliability.md has the long one.
import { expect, test } from 'vitest';
import { encrypted, inMemory } from './ground.ts';
import { judge, programsOf } from './judge.ts';
import { plants } from './plants.ts';
import type { Program, Seeded } from './program.ts';

test('150 programs in memory', { timeout: 120_000 }, async () => {
  const verdict = await judge({ seed: 2, programs: programsOf(2, 150), ground: inMemory });
  expect(verdict.violations).toEqual([]);
  expect(verdict.programs).toBe(150);
  expect(verdict.crashes).toBeGreaterThan(0);
});

test('60 programs whose values lie in a blob store that is swept meanwhile', async () => {
  const programs = programsOf(3, 60);
  const verdict = await judge({ seed: 3, programs, ground: inMemory, blobs: true });
  expect(verdict.violations).toEqual([]);
  expect(verdict.crashes).toBeGreaterThan(0);
}, 120_000);

test('60 programs whose values are sealed in the store', { timeout: 120_000 }, async () => {
  const ground = () => encrypted(inMemory());
  const verdict = await judge({ seed: 4, programs: programsOf(4, 60), ground });
  expect(verdict.violations).toEqual([]);
});

test('blobs that no write takes are missed', { timeout: 120_000 }, async () => {
  const unplant = plants['a write takes no blobs']?.();
  try {
    // A sweep has to come between a write and a reader: twenty programs see that two times out of three.
    const programs = programsOf(3, 200);
    const judged = judge({ seed: 3, programs, ground: inMemory, blobs: true, hangMs: 5_000 });
    // Whoever reads a run that refers to one is told, and nothing is played after that.
    await expect(judged).rejects.toMatchObject({ name: 'BlobError' });
  } finally {
    unplant?.();
  }
});

test('a key with too many runs at work is found', { timeout: 60_000 }, async () => {
  const part = { fails: 0, attempts: 1, ms: 60, events: 0, isRefused: false } as const;
  const program: Program = { key: 'one', parts: [{ kind: 'step', name: 'n1', ...part }] };
  const programs = Array.from({ length: 15 }, (_, seed): Seeded => ({ seed, program }));
  const unplant = plants['a key has any number of turns']?.();
  try {
    const { violations } = await judge({ seed: 1, programs, ground: inMemory });
    expect(violations.map(({ what }) => what)).toContainEqual(
      expect.stringContaining('runs of one at work at one time'),
    );
  } finally {
    unplant?.();
  }
  const sound = await judge({ seed: 1, programs, ground: inMemory });
  expect(sound.violations).toEqual([]);
});

const step = { fails: 0, attempts: 1, ms: 1, events: 0, isRefused: false } as const;

interface Planted extends Program {
  readonly plant: string;
  readonly finds: string;
}

const planted: readonly Planted[] = [
  {
    plant: 'a signal stays when it is taken',
    finds: 'taken twice',
    parts: [
      { kind: 'waitAny', name: 'n1' },
      { kind: 'waitAny', name: 'n2' },
    ],
  },
  {
    plant: 'the hook for an end is never made',
    finds: 'its hook was not called',
    parts: [{ kind: 'set', name: 'n1' }],
  },
  {
    plant: 'an item that has failed counts as done',
    finds: 'ended with [[0,1,null]]',
    parts: [{ kind: 'map', name: 'n1', items: 4, loops: 1, failsAt: 2, collects: false }],
  },
  {
    plant: 'a step that runs again goes on with the epoch of the attempt before',
    finds: 'n1 gave out "0 1 2 0 1 2',
    parts: [{ kind: 'talk', name: 'n1', chunks: 4, fails: 2, attempts: 3, ms: 1 }],
  },
  {
    plant: 'a turn is never given back',
    finds: 'hangs as queued',
    key: 'one',
    parts: [{ kind: 'set', name: 'n1' }],
  },
  {
    plant: 'an answer is made before the handler has caught up',
    finds: 'it said it is behind',
    parts: [
      { kind: 'step', name: 'n1', ...step },
      // Each is a chance to be asked in the midst of a resume.
      ...['n2', 'n3', 'n4', 'n5'].map((name) => ({ kind: 'sleep', name, ms: 1_500 }) as const),
    ],
  },
];

const toUndo = { fails: 0, attempts: 1, ms: 1, events: 0, isRefused: false, undo: 'well' } as const;
const undone: Program['parts'] = [
  { kind: 'step', name: 'n1', ...toUndo },
  { kind: 'map', name: 'n2', items: 3, loops: 1, failsAt: -1, collects: false, undo: 'well' },
  { kind: 'throw', name: 'n3' },
];

test.each([
  ['what came first is undone first', 'undone as', { parts: undone }],
  ['what was undone is undone again', 'completed twice', { parts: undone }],
  [
    'nothing is undone of a run that is cancelled',
    'not undone',
    {
      parts: [...undone.slice(0, 2), { kind: 'sleep', name: 'n4', ms: 1_000 }],
      happens: [{ at: 2, kind: 'cancel' }],
    },
  ],
] as const)(
  'an undo that goes wrong is found: %s',
  { timeout: 60_000 },
  async (plant, finds, program) => {
    const programs = Array.from({ length: 4 }, (_, seed): Seeded => ({ seed, program }));
    const options = { seed: 1, programs, ground: inMemory, hangMs: 5_000 };
    const unplant = plants[plant]?.();
    try {
      const { violations } = await judge(options);
      expect(violations.map(({ what }) => what)).toContainEqual(expect.stringContaining(finds));
    } finally {
      unplant?.();
    }
    expect((await judge(options)).violations).toEqual([]);
  },
);

test.each(planted)(
  'a planted bug is found: $plant',
  { timeout: 120_000 },
  async ({ plant, finds, ...program }) => {
    const programs = Array.from({ length: 10 }, (_, seed): Seeded => ({ seed, program }));
    const unplant = plants[plant]?.();
    try {
      const options = { seed: 1, programs, ground: inMemory, hangMs: 3_000 };
      const { violations } = await judge(options);
      expect(violations.map(({ what }) => what)).toContainEqual(expect.stringContaining(finds));
    } finally {
      unplant?.();
    }
  },
);
