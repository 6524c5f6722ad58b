// Goal: pages that follow a run get each event once and in order, from wherever they come back, with one reader for all.
// Method: followers over the memory store.
import { expect, test } from 'vitest';
import { defineWorkflow, type RunEvent } from 'pawl';
import { z } from 'zod';
import { Feeds } from '../../../src/dashboard/live-feed.ts';
import { memoryPawl } from '../../support/memory.ts';

const many = defineWorkflow({
  name: 'many',
  state: z.object({ n: z.number().default(0) }),
  events: { tick: z.object({ n: z.number() }) },
  reduce: { tick: (_, { n }) => ({ n }) },
  signals: { more: z.number(), end: z.unknown() },
  async run(ctx) {
    for (let round = 1; ; round++) {
      const { name, payload } =
        (await ctx.waitForAny(['more', 'end'], { as: `round ${round}` })) ?? {};
      if (name !== 'more') return;
      for (let n = 1; n <= Number(payload); n++) await ctx.emit('tick', { n: ctx.state.n + 1 });
    }
  },
});

test('each follower gets each event once, whether it comes early, late or back again', async () => {
  await using pawl = memoryPawl().pawl;
  const run = await pawl.start(many, undefined, { id: 'r1' });
  pawl.worker({ workflows: [many] });
  const feeds = new Feeds(pawl);
  const over = new AbortController();
  const follow = async (after: number, stopAt = Infinity): Promise<number[]> => {
    const seqs: number[] = [];
    for await (const news of feeds.follow('r1', after, over.signal)) {
      if (news.kind !== 'event') continue;
      seqs.push(news.event.seq);
      if (news.event.seq >= stopAt) break;
    }
    return seqs;
  };
  const whole = follow(0);
  const broken = follow(0, 7).then(async (seqs) => [...seqs, ...(await follow(7))]);
  await run.signal('more', 700);
  await expect.poll(async () => (await run.info()).seq).toBeGreaterThan(700);
  const late = follow(300);
  const ahead = follow(5_000);
  await run.signal('more', 5);
  await run.signal('end', null);
  await run.result();
  const { seq } = await run.info();
  const from = (first: number): number[] =>
    Array.from({ length: seq - first + 1 }, (_, i) => first + i);
  expect(await whole).toEqual(from(1));
  expect(await broken).toEqual(from(1));
  expect(await late).toEqual(from(301));
  // One that has more than there is goes on with what comes.
  expect((await ahead).at(-1)).toBe(seq);
});

test('a change that is no event is news, and so is the end', async () => {
  await using pawl = memoryPawl().pawl;
  await pawl.start(many, undefined, { id: 'r1' });
  const news: string[] = [];
  const following = (async () => {
    for await (const { kind } of new Feeds(pawl).follow('r1', 1, new AbortController().signal)) {
      news.push(kind);
    }
  })();
  pawl.worker({ workflows: [many] });
  await expect.poll(async () => (await pawl.run('r1').info()).status).toBe('waiting');
  await expect.poll(() => news).toContain('changed');
  await pawl.run(many, 'r1').signal('end', null);
  await following;
  expect(news.at(-1)).toBe('end');
});

test('when Redis comes back with less, the events that take the places of lost ones come as well', async () => {
  const event = (seq: number, type: string): RunEvent => ({
    seq,
    type,
    data: {},
    at: new Date(0),
    fence: 1,
  });
  let give: (event: RunEvent | undefined) => void = () => undefined;
  const queue: (RunEvent | undefined)[] = [];
  const put = (one: RunEvent | undefined): void => {
    queue.push(one);
    give(one);
  };
  const handle = {
    info: () => Promise.resolve({ seq: 2, status: 'completed', waits: [], atWork: [] }),
    async *events() {
      for (;;) {
        if (queue.length === 0) await new Promise((resolve) => (give = resolve));
        const one = queue.shift();
        if (one === undefined) return;
        yield one;
      }
    },
  };
  const feeds = new Feeds({ run: () => handle } as never);
  const seen: string[] = [];
  const following = (async () => {
    for await (const news of feeds.follow('r1', 2, new AbortController().signal)) {
      if (news.kind === 'event') seen.push(`${news.event.seq}${news.event.type}`);
    }
  })();
  for (const seq of [3, 4, 5]) put(event(seq, 'a'));
  await expect.poll(() => seen).toEqual(['3a', '4a', '5a']);
  for (const seq of [4, 5, 6]) put(event(seq, 'b'));
  put(undefined);
  await following;
  expect(seen).toEqual(['3a', '4a', '5a', '4b', '5b', '6b']);
});
