/** Saving a state of 200 keys after one of them has changed, and after all have. */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Fold } from '../../src/core/fold.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { Snapshotter } from '../../src/engine/execution/snapshotter.ts';
import { Pawl } from '../../src/index.ts';
import { ClaimedRun, openStore } from '../claimed-run.ts';
import { measureCost } from '../cpu-time.ts';
import { makeState, stateKey, stateKeys, stateValue } from '../payloads.ts';
import { type Contender, rate, type Samples, sent, type Workload } from '../workload.ts';

type State = Readonly<Record<string, string>>;
/** The state of a turn. Made beforehand: what a reducer costs is its own affair. */
type StateAt = (turn: number) => State;

/** Does `save` for a slot; counts what all clients sent meanwhile. */
async function measureSaves(
  { url, slotMs }: { url: string; slotMs: number },
  save: (turn: number) => Promise<unknown>,
): Promise<Samples> {
  const redis = new Redis(url);
  const received = async (): Promise<number> =>
    Number(/total_net_input_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]);
  // Once before, because a script is sent as a whole the first time.
  for (let turn = 0; turn < 3; turn++) await save(turn);
  const before = await received();
  let saves = 0;
  const samples = await measureCost({ url, slotMs }, { loops: 1, size: 1 }, (_lane, turn) => {
    saves += 1;
    return save(turn);
  });
  const bytes = (await received()) - before;
  redis.disconnect();
  return { ...samples, sent: [bytes / saves] };
}

function rawWhole(name: string, stateAt: StateAt): Contender {
  return {
    name,
    async measure(arena) {
      const redis = new Redis(arena.url);
      const samples = await measureSaves(arena, (turn) => {
        return redis.hset('run', 'state', JSON.stringify(stateAt(turn)));
      });
      redis.disconnect();
      return samples;
    },
  };
}

/** Told which field has changed, and keeps nothing else: the least that a save can cost. */
function rawField(initial: State, bytes: number): Contender {
  return {
    name: 'raw, one field',
    async measure(arena) {
      const redis = new Redis(arena.url);
      await redis.hset('run', initial);
      const samples = await measureSaves(arena, (turn) =>
        redis.hset('run', stateKey(turn % stateKeys), stateValue(bytes, turn)),
      );
      redis.disconnect();
      return samples;
    },
  };
}

function bullmq(stateAt: StateAt): Contender {
  return {
    name: 'bullmq',
    async measure(arena) {
      const connection = new Redis(arena.url, { maxRetriesPerRequest: null });
      const queue = new Queue('bench', { connection });
      const job = await queue.add('save', stateAt(0));
      const samples = await measureSaves(arena, (turn) => {
        return job.updateData(stateAt(turn));
      });
      await queue.close();
      connection.disconnect();
      return samples;
    },
  };
}

/** Finds out what has changed by itself, checks the fence, and raises the snapshot's version. */
function pawl(stateAt: StateAt): Contender {
  return {
    name: 'pawl',
    async measure(arena) {
      const store = await openStore(arena.url);
      const run = await ClaimedRun.claim(store, 'r');
      const limit = defaultLimits.stateBytes;
      const snapshotter = new Snapshotter({ schema: 1, limit, saved: new Map() });
      const save = (turn: number): Promise<void> => {
        const state = stateAt(turn);
        const fold = {
          state,
          touched: new Set(),
          memory: new Map(),
          forgetTouched: () => undefined,
        };
        const { delta } = snapshotter.delta(fold as unknown as Fold);
        return run.commit([], delta);
      };
      await save(0);
      const samples = await measureSaves(arena, save);
      await store.close();
      return samples;
    },
  };
}

/** What a user with a loop of their own calls. */
function pawlClaim(stateAt: StateAt): Contender {
  return {
    name: 'pawl, claim.saveSnapshot',
    async measure(arena) {
      const front = await Pawl.open({ redis: arena.url });
      const claim = await front.checkpointer.claim<State>('r');
      const samples = await measureSaves(arena, (turn) => claim.saveSnapshot(stateAt(turn)));
      await front.close();
      return samples;
    },
  };
}

/** The same, when they know which field has changed. */
function pawlPatch(initial: State, bytes: number): Contender {
  return {
    name: 'pawl, claim.patch',
    async measure(arena) {
      const front = await Pawl.open({ redis: arena.url });
      const claim = await front.checkpointer.claim<State>('r');
      await claim.saveSnapshot(initial);
      const samples = await measureSaves(arena, (turn) =>
        claim.patch({ [stateKey(turn % stateKeys)]: stateValue(bytes, turn) }),
      );
      await front.close();
      return samples;
    },
  };
}

function saveOne(label: string, bytes: number): Workload {
  // Each state differs from the one before in one key, the first from the last as well.
  const states = [makeState(bytes)];
  for (let turn = 1; turn < 2 * stateKeys; turn++) {
    const changed = { [stateKey(turn % stateKeys)]: stateValue(bytes, turn < stateKeys ? 1 : 0) };
    states.push({ ...states[turn - 1], ...changed });
  }
  const stateAt: StateAt = (turn) => states[turn % states.length] ?? {};
  return {
    name: `save-one-${label.toLowerCase().replace(' ', '')}`,
    title: `Save a state of 200 keys and ${label}, one key changed`,
    figures: [rate, sent],
    baseline: 'raw, one field',
    contenders: [
      rawField(makeState(bytes), bytes),
      rawWhole('raw, whole state', stateAt),
      bullmq(stateAt),
      pawl(stateAt),
      pawlClaim(stateAt),
      pawlPatch(makeState(bytes), bytes),
    ],
    durable: true,
  };
}

function saveAll(label: string, bytes: number): Workload {
  const states = [makeState(bytes, 0), makeState(bytes, 1)];
  const stateAt: StateAt = (turn) => states[turn % 2] ?? {};
  return {
    name: `save-all-${label.toLowerCase().replace(' ', '')}`,
    title: `Save a state of 200 keys and ${label}, all keys changed`,
    figures: [rate, sent],
    baseline: 'raw',
    contenders: [rawWhole('raw', stateAt), bullmq(stateAt), pawl(stateAt), pawlClaim(stateAt)],
    durable: true,
  };
}

export const save: readonly Workload[] = [
  { ...saveOne('1 KB', 1_000), fullOnly: true },
  saveOne('100 KB', 100_000),
  saveOne('1 MB', 1_000_000),
  { ...saveAll('1 KB', 1_000), fullOnly: true },
  saveAll('100 KB', 100_000),
  saveAll('1 MB', 1_000_000),
];
