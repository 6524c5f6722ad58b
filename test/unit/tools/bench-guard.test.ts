/** The guard of pawl's speed: when it speaks up, and when it does not. */
import { expect, test } from 'vitest';
import { compare, guarded } from '../../../bench/guard.ts';
import { plants } from '../../../bench/guard/plants.ts';
import { costsOf, type Measure, type Pairs } from '../../../bench/guard/pairs.ts';
import { decide, judge } from '../../../bench/guard/verdict.ts';
import { type Figure, latency, rate, type Workload } from '../../../bench/workload.ts';
import { workloads } from '../../../bench/workloads.ts';

/** Pairs of a machine so busy that a third of them are anywhere; the clock has twice the noise. Seeded. */
function noisy(
  speeds: Partial<Record<Measure, number>>,
  seed: number,
): (n: number) => Promise<Pairs> {
  let state = seed;
  const random = (): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
  const near = (by: number): number =>
    random() < 0.66 ? 1 - by + 2 * by * random() : 3 ** (2 * random() - 1);
  const many = (count: number, measure: Measure, by: number): number[] =>
    Array.from({ length: count }, () => (speeds[measure] ?? 1) * near(by));
  return async (count) => ({
    client: many(count, 'client', 0.1),
    server: many(count, 'server', 0.05),
    clock: many(count, 'clock', 0.2),
  });
}

const fifth = 1 / 1.2;

test.each(Array.from({ length: 20 }, (_, i) => 1 + 7_919 * i))(
  'a fifth more time is found on a busy machine, and nothing where nothing is (seed %i)',
  async (seed) => {
    expect((await compare(noisy({}, seed))).slower).toBe(false);
    expect((await compare(noisy({ client: fifth }, seed))).slower).toBe(true);
    expect((await compare(noisy({ server: fifth }, seed))).slower).toBe(true);
    // Something waits for longer, and takes no processor.
    expect((await compare(noisy({ clock: 0.4 }, seed))).slower).toBe(true);
    const expected = { client: 0.4, server: 0.8, clock: 0.3 };
    const asRecorded = noisy(expected, seed);
    expect((await compare(asRecorded, expected)).slower).toBe(false);
    const slower = noisy({ ...expected, client: 0.4 * fifth }, seed);
    expect((await compare(slower, expected)).slower).toBe(true);
  },
);

test('the interval of the median has the pairs inside that a sign test leaves there', () => {
  // Of 16 pairs the third from each end: 2 × (1 + 16 + 120) / 65,536 is under a hundredth, with the next 560 it is not.
  const pairs = Array.from({ length: 16 }, (_, i) => 1 + i);
  expect(judge(pairs)).toEqual({ outcome: 'as fast', median: 8.5, low: 3, high: 14 });
});

test('a few pairs say nothing, and then the median decides', () => {
  const few = judge([0.1, 0.2, 0.3]);
  expect(few).toMatchObject({ outcome: 'open', low: 0, high: Infinity });
  expect(decide(few).outcome).toBe('slower');
  expect(decide(judge([1, 1.1, 0.2])).outcome).toBe('as fast');
});

test('a clear verdict is not measured for longer, an open one is', async () => {
  let asked = 0;
  const counting =
    (ratio: (turn: number) => number) =>
    async (count: number): Promise<Pairs> => {
      asked += 1;
      const pairs = Array.from({ length: count }, (_, turn) => ratio(turn));
      return { client: pairs, server: pairs.map(() => 1), clock: pairs };
    };
  await compare(counting(() => 1));
  expect(asked).toBe(2);
  asked = 0;
  await compare(counting((turn) => (turn % 2 === 0 ? 0.5 : 1.5)));
  expect(asked).toBeGreaterThan(2);
});

test('what is counted in a second and what takes a time are both a cost', () => {
  const of = (figure: Figure): Workload => ({ figures: [figure] }) as unknown as Workload;
  const times = { 'client time': [20, 20, 90], 'server time': [10] };
  const costs = { client: 0.02, server: 0.01 };
  expect(costsOf(of(latency), { latency: [4, 4, 9], ...times })).toEqual({ ...costs, clock: 4 });
  expect(costsOf(of(rate), { rate: [5_000], ...times })).toEqual({ ...costs, clock: 0.2 });
});

test('each guarded workload has its contender, and a slowdown that is planted to try the guard', () => {
  for (const [name, contender] of Object.entries(guarded)) {
    const contenders = workloads
      .find((one) => one.name === name)
      ?.contenders.map((one) => one.name);
    expect(contenders, name).toContain(contender);
  }
  expect(plants.map(({ workload }) => workload).toSorted()).toEqual(
    Object.keys(guarded).toSorted(),
  );
});
