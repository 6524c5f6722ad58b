// Goal: each time of a schedule is started once, whatever dies when. Method: keepers over a store in memory whose calls are
// counted and cut off, one keeper after another.
import { beforeEach, describe, expect, test } from 'vitest';
import {
  complete,
  dyingAfter,
  info,
  join,
  keeperOf,
  pass,
  resetWorld,
  runOf,
  save,
  startedAt,
  times,
  turn,
  upTo,
  world,
} from '../../../support/kept-schedules.ts';

beforeEach(resetWorld);

describe.each(['carried out', 'lost'] as const)('a keeper whose last call is %s', (last) => {
  test.each(upTo(12))(
    'and dies after %i calls loses no time and starts none twice',
    async (calls) => {
      await save();
      world.now = startedAt + 3_500;
      await turn(keeperOf(dyingAfter(calls, last)));
      await pass(1_500);
      expect(await times()).toEqual(upTo(5));
      expect(await info()).toMatchObject({ timesMissed: 0, timesSkipped: 0 });
      expect(world.logged.join('\n')).not.toContain('taken');
    },
  );

  test.each(upTo(12))('and dies after %i calls with missed times decides once', async (calls) => {
    await save({ missed: 'latest' });
    await world.store.fleet.deregister('first');
    world.now = startedAt + 30_000;
    await join('second');
    await turn(keeperOf(dyingAfter(calls, last)));
    // The one that goes on was not there when the first one decided.
    await world.store.fleet.deregister('second');
    world.now = startedAt + 40_000;
    await join('third');
    await turn();
    const started = await times();
    expect(started.slice(-2)).toEqual([39, 40]);
    // What the first one had decided holds; each time was started or left out, none is both.
    expect([[], [29, 30]]).toContainEqual(started.slice(0, -2));
    expect(started.length + (await info()).timesMissed).toBe(40);
  });

  test.each(upTo(12))(
    'and dies after %i calls never starts two beside each other',
    async (calls) => {
      for (const overlap of ['queue', 'skip', 'cancel-previous'] as const) {
        await save({ overlap, everyMs: 1_000 });
        world.now = startedAt + 2_100;
        await turn(keeperOf(dyingAfter(calls, last)));
        await pass(1_000);
        const { runs } = await world.store.lists.runs({ limit: 500, tag: 'schedule=s' });
        const open = runs.filter(({ status }) => status === 'queued');
        expect(open, overlap).toHaveLength(1);
        await world.store.schedules.remove('tick', 's');
        for (const { id } of runs) await world.store.delete(id);
        world.now = startedAt;
      }
    },
  );
});

test('a thousand keepers that die one after the other lose nothing', async () => {
  await save();
  let seed = 7;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  for (let i = 0; i < 1_000; i++) {
    world.now += Math.floor(random() * 200);
    const last = random() < 0.5 ? 'lost' : 'carried out';
    await turn(keeperOf(dyingAfter(1 + Math.floor(random() * 6), last)));
  }
  await pass(2_000);
  const seconds = Math.floor((world.now - startedAt) / 1_000);
  expect(seconds).toBeGreaterThan(60);
  expect(await times()).toEqual(upTo(seconds));
  expect((await info()).timesMissed).toBe(0);
});

test('two keepers at once start each time once', async () => {
  await save({ overlap: 'queue' });
  const [one, two] = [keeperOf(), keeperOf()];
  for (let i = 0; i < 30; i++) {
    world.now += 100;
    await Promise.all([turn(one), turn(two)]);
    for (const second of await times()) {
      if ((await world.store.record(runOf(second)))?.status === 'queued') await complete(second);
    }
  }
  expect(await times()).toEqual(upTo(3));
});
