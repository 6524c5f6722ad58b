/**
 * The memory store is the contract said plainly; the Redis store must say the same. Random plays over the whole contract
 * are made on both, at the same moments, and every answer is compared. `PAWL_FUZZ_RUNS` asks for more of them, and
 * `PAWL_FUZZ_SEED` for others; a difference is printed with the shortest play that shows it.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { ClockedRedis } from '../support/fuzz/clocked-redis.ts';
import { type Move, plays } from '../support/fuzz/moves.ts';
import { type Difference, play, type Tally } from '../support/fuzz/play.ts';

const startedAt = 1_900_000_000_000;
const runs = Number(process.env['PAWL_FUZZ_RUNS'] ?? 500);
const seed = Number(process.env['PAWL_FUZZ_SEED'] ?? 20_251_121);

/** What the plays must have met, each of them, to be worth their time. */
const outcomes = [
  'create created',
  'create exists',
  'claim claimed',
  'claim held',
  'claim stale',
  'claim notClaimable',
  'claim newer',
  'claim missing',
  'claim unadmitted',
  'enter granted',
  'enter queued',
  'enter busy',
  'admit admitted',
  'admit kept',
  'admit useless',
  'commit committed',
  'commit unread',
  'commit fenced',
  'commit conflict',
  'commit missing',
  'write written',
  'write fenced',
  'write conflict',
  'write missing',
  'post posted',
  'post known',
  'post ended',
  'post missing',
  'cancel asked',
  'cancel cancelled',
  'cancel ended',
  'cancel missing',
  'pause paused',
  'pause ended',
  'pause missing',
  'resume resumed',
  'resume notResumable',
  'resume missing',
  'delete deleted',
  'delete active',
  'delete changed',
  'delete missing',
  'remove removed',
  'remove changed',
  'remove notifyPending',
  'remove missing',
  'compact compacted',
  'compact missing',
];

let server: RedisServer | undefined;
let redis: ClockedRedis | undefined;
let other: RedisRunStore | undefined;

beforeAll(async () => {
  server = await startRedisServer({ config: { appendonly: 'no' } });
  redis = new ClockedRedis(server.url);
  other = await RedisRunStore.open({ redis, shards: 1 });
});

afterAll(async () => {
  await other?.close();
  redis?.disconnect();
  await server?.stop();
});

/** Plays on two empty stores. */
async function playAnew(moves: readonly Move[], tally?: Tally): Promise<Difference | undefined> {
  if (redis === undefined || other === undefined) throw new Error('there is no server');
  const clock = redis;
  await clock.flushall();
  let now = startedAt;
  const advance = async (ms: number): Promise<void> => {
    now += ms;
    await clock.setClock(now);
  };
  await advance(0);
  const reference = new MemoryRunStore({ clock: { now: () => now } });
  return play({ reference, other, advance }, moves, tally);
}

test(
  'the store on Redis answers every call as the store in memory does',
  { timeout: 60_000 + runs * 100 },
  async () => {
    const tally: Tally = new Map();
    const property = fc.asyncProperty(plays, async (moves) => {
      expect(await playAnew(moves, tally)).toBeUndefined();
    });
    await fc.assert(property, { numRuns: runs, seed });
    if (runs >= 1000) expect([...tally.keys()]).toEqual(expect.arrayContaining(outcomes));
  },
);
