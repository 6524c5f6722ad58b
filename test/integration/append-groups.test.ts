// Goal: appends that travel in one call have nothing to do with each other. Method: good and bad ones in one turn of the
// event loop, on a server of their own, whose commands are counted.
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';

test('what is wrong with one run of a call changes nothing for the others', async () => {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  const store = await RedisRunStore.open({ redis: server.url });
  const data = new Uint8Array([1, 0xc0]);
  const claim = async (run: string): Promise<{ run: string; fence: number; owner: string }> => {
    const creation = { run, workflow: 'w', input: data, tags: {}, data, token: `new ${run}` };
    await store.create({ ...creation, resendMs: 60_000 });
    const claimed = await store.claim({ run, worker: 'me', codeVersion: 1, token: `own ${run}` });
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    return claimed.ownership;
  };
  const runs = await Promise.all(['first', 'stale', 'broken', 'twice', 'läst'].map(claim));
  const [first, stale, broken, twice, last] = runs as [
    ...{ run: string; fence: number; owner: string }[],
  ];
  if (!first || !stale || !broken || !twice || !last) throw new Error('runs are missing');
  const one = { type: 'note', data };
  const after = { expectedSeq: 2, events: [one] };
  await store.commit({ ...twice, ...after, token: 'twice' });
  await redis.del('{pawl:0}:events:broken');
  await redis.set('{pawl:0}:events:broken', 'not a stream');
  await redis.config('RESETSTAT');

  const outcomes = await Promise.allSettled([
    store.commit({ ...first, ...after, token: 'a' }),
    store.commit({ ...stale, ...after, token: 'b', fence: stale.fence - 1, events: [one, one] }),
    store.commit({ ...broken, ...after, token: 'c', events: [one, one] }),
    store.commit({ ...twice, ...after, token: 'twice', events: [one, one] }),
    store.commit({ ...first, ...after, token: 'd', expectedSeq: 9 }),
    store.commit({ ...last, ...after, token: 'e', events: [one, { ...one, branch: 'β' }] }),
  ]);

  const stats = await redis.info('commandstats');
  // The first time, the script itself is sent.
  expect(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1]).toBe('1');
  expect(stats).not.toContain('cmdstat_evalsha:');
  expect(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'fault')),
  ).toEqual([
    { outcome: 'committed', seq: 3, version: 0 },
    { outcome: 'fenced', fence: stale.fence, applied: false },
    'fault',
    // The commit before had the same token: it is answered again, and nothing is read as if it belonged to the next run.
    { outcome: 'committed', seq: 4, version: 0 },
    { outcome: 'conflict', seq: 3 },
    { outcome: 'committed', seq: 4, version: 0 },
  ]);
  expect(outcomes[2]).toMatchObject({
    reason: { code: 'PAWL_CORRUPT', key: '{pawl:0}:events:broken', retryable: false },
  });
  const events = await store.events({ run: 'läst', after: 2, limit: 10 });
  expect(events.map(({ seq, type, branch }) => [seq, type, branch])).toEqual([
    [3, 'note', undefined],
    [4, 'note', 'β'],
  ]);
  expect(await store.events({ run: 'stale', after: 2, limit: 10 })).toEqual([]);
  redis.disconnect();
  await store.close();
  await server.stop();
});
