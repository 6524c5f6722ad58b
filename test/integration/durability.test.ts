// Goal: a write is acknowledged only when it is as durable as was asked for, and no run fails for want of a replica.
// Method: a master with a replica that is frozen and goes on; connections cut between a script's answer and its WAIT's.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineWorkflow, type Durability, Pawl } from 'pawl';
import type { CommitParams, RunStore } from '../../src/core/store.ts';
import { creation, event, held, newId } from '../../src/testing/run-store/opened.ts';
import { startRedisServer } from '../../src/testing/redis-server.ts';
import { openRedisStore } from '../support/conformance.ts';
import { startReplicatedRedis, type ReplicatedRedis } from '../support/replicated.ts';
import { newPrefix } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

let redis: ReplicatedRedis;
let admin: Redis;
let open: (durability: Durability) => Promise<RunStore>;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  // Pings of the master would move the offset that a test compares.
  redis = await startReplicatedRedis(1, { 'repl-ping-replica-period': '3600' });
  admin = new Redis(redis.url);
  open = async (durability) => {
    const one = await openRedisStore({ redis: redis.url, prefix: newPrefix(), durability });
    opened.push(one);
    return one.store;
  };
});

afterAll(async () => {
  thaw();
  await Promise.all(opened.map((one) => one.close()));
  admin.disconnect();
  await redis.stop();
});

const freeze = (): boolean => process.kill(redis.replicas[0]?.pid ?? 0, 'SIGSTOP');
const thaw = (): boolean => process.kill(redis.replicas[0]?.pid ?? 0, 'SIGCONT');

async function aCommit(store: RunStore): Promise<CommitParams> {
  const { ownership, record } = await held(store);
  return { ...ownership, token: newId('token'), expectedSeq: record.seq, events: [event('a')] };
}

/** Cuts the connections that wait for replicas, as a network would; resolves with how many there were. */
async function cutWaiting(): Promise<number> {
  const list = String(await admin.client('LIST'));
  const ids = [...list.matchAll(/^id=(\d+) .* cmd=wait /gm)].map((match) => match[1] ?? '');
  for (const id of ids) await admin.client('KILL', 'ID', id);
  return ids.length;
}

describe('with one replica', () => {
  test('a commit that the replica does not confirm is stored, and says so; again, it is confirmed', async () => {
    const store = await open({ replicas: 1, timeoutMs: 100 });
    const commit = await aCommit(store);
    freeze();
    await expect(store.commit(commit)).rejects.toMatchObject({
      code: 'PAWL_NOT_DURABLE',
      outcome: 'applied',
      retryable: true,
      wanted: 1,
      reached: 0,
    });
    expect((await store.record(commit.run))?.seq).toBe(commit.expectedSeq + 1);
    thaw();
    await expect(store.commit(commit)).resolves.toMatchObject({ outcome: 'committed' });
    expect((await store.record(commit.run))?.seq).toBe(commit.expectedSeq + 1);
  });

  test('a refused commit is answered as refused, whether the replica confirms or not', async () => {
    const store = await open({ replicas: 1, timeoutMs: 100 });
    const commit = await aCommit(store);
    freeze();
    const refused = await store.commit({ ...commit, fence: commit.fence - 1 });
    thaw();
    expect(refused).toMatchObject({ outcome: 'fenced' });
  });

  test('a connection that breaks between the answer and the confirmation confirms nothing', async () => {
    const store = await open({ replicas: 1, timeoutMs: 1500 });
    const commit = await aCommit(store);
    freeze();
    const outcome = store.commit(commit).then(
      ({ outcome: word }) => word,
      (error: { code: string }) => error.code,
    );
    await expect.poll(cutWaiting).toBe(1);
    expect(await outcome).toBe('PAWL_NOT_DURABLE');
    thaw();
    await expect(store.commit(commit)).resolves.toMatchObject({ outcome: 'committed' });
  });

  test('a repetition moves the offset that WAIT counts from', async () => {
    // Without WAIT, which asks the replicas by a command of its own in the same stream.
    const store = await open('memory');
    const offset = async (): Promise<number> =>
      Number(/master_repl_offset:(\d+)/.exec(await admin.info('replication'))?.[1]);
    const create = creation();
    await store.create(create);
    const claim = { run: create.run, worker: 'w', codeVersion: 1, token: newId('token') };
    const taken = await store.claim(claim);
    if (taken.outcome !== 'claimed') throw new Error(taken.outcome);
    const append = {
      ...taken.ownership,
      token: newId('token'),
      expectedSeq: 2,
      events: [event('a')],
    };
    const snapshot = { schema: 1, set: new Map(), remove: [] };
    const commit = { ...append, token: newId('token'), expectedSeq: 3, snapshot };
    const { run } = create;
    const empty = new Uint8Array();
    const post = { run, id: 'm', kind: 'signal', name: 's', data: empty } as const;
    const cancel = { run, id: 'c', data: empty, error: empty, keepMs: 1000 };
    const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['create', () => store.create(create)],
      ['claim', () => store.claim(claim)],
      ['append', () => store.commit(append)],
      ['commit', () => store.commit(commit)],
      ['post', () => store.post(post)],
      ['cancel', () => store.cancel(cancel)],
      ['pause', () => store.pause(run, empty)],
    ];
    for (const [name, call] of calls) {
      // A claim and a create were made above, and the others write for the first time here.
      await call();
      const before = await offset();
      await call();
      expect(await offset(), name).toBeGreaterThan(before);
    }
  });

  test('commits of many runs share a confirmation', async () => {
    const store = await open({ replicas: 1 });
    const commits = await Promise.all(Array.from({ length: 50 }, () => aCommit(store)));
    await admin.config('RESETSTAT');
    await Promise.all(commits.map((commit) => store.commit(commit)));
    const waits = /cmdstat_wait:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1];
    expect(Number(waits)).toBeLessThanOrEqual(2);
  });

  test('no run fails for want of a replica: parent and child wait for it, and the log says so once', async () => {
    let openGate = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    const child = defineWorkflow({ name: 'child', run: () => 'grown' });
    const parent = defineWorkflow({
      name: 'parent',
      async run(ctx) {
        await gate;
        const started = await ctx.start(child, undefined, { as: 'child' });
        return started.result();
      },
    });
    const said: string[] = [];
    const note = (_: object, message: string): void => void said.push(message);
    const logger = { debug: () => undefined, info: note, warn: note, error: note };
    await using pawl = await Pawl.open({
      redis: redis.url,
      prefix: newPrefix(),
      logger,
      durability: { replicas: 1, timeoutMs: 50 },
    });
    await using worker = pawl.worker({ workflows: [parent, ticks] });
    await worker.ready();
    const runs = [
      await pawl.start(parent, undefined),
      await pawl.start(ticks, { count: 5, paceMs: 20 }),
    ];
    await expect.poll(() => worker.active).toBe(2);
    freeze();
    openGate();
    await sleep(1000);
    const waiting = await Promise.all(runs.map(async (run) => (await run.info()).status));
    thaw();
    await using helper = pawl.worker({ workflows: [child] });
    await helper.ready();
    expect(waiting).toEqual(['running', 'running']);
    expect(await runs[0]?.result()).toBe('grown');
    expect(await runs[1]?.result()).toEqual({ sum: 10 });
    const count = (text: string): number => said.filter((line) => line.includes(text)).length;
    expect(count('not confirmed by 1 replica')).toBe(1);
    expect(count('confirmed by 1 replica again')).toBe(1);
    expect(said.filter((line) => line.includes('no answer'))).toEqual([]);
  });
});

describe('durability disk', () => {
  const attempt = async (config: Readonly<Record<string, string>>): Promise<unknown> => {
    const server = await startRedisServer({ config });
    try {
      await using pawl = await Pawl.open({ redis: server.url, durability: 'disk' });
      await using _ = pawl.worker({ workflows: [ticks] });
      const run = await pawl.start(ticks, { count: 3 });
      return await run.result();
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { code, message };
    } finally {
      await server.stop();
    }
  };
  const waitsForDisk = async (): Promise<boolean> => {
    const [major = 0, minor = 0] = (/redis_version:(\S+)/.exec(await admin.info())?.[1] ?? '')
      .split('.')
      .map(Number);
    return major > 7 || minor >= 2;
  };

  test('is refused by a server without WAITAOF that flushes every second, and names the version', async () => {
    const expected = (await waitsForDisk())
      ? { sum: 3 }
      : { code: 'PAWL_REDIS_VERSION', message: expect.stringContaining('Redis 7.2 or newer') };
    expect(await attempt({ appendfsync: 'everysec' })).toEqual(expected);
  });

  test('is refused where there is no append-only file', async () => {
    expect(await attempt({ appendonly: 'no' })).toEqual({
      code: 'PAWL_REDIS_CONFIG',
      message: expect.stringContaining('CONFIG SET appendonly yes'),
    });
  });

  test('is kept by any server that flushes before it answers', async () => {
    expect(await attempt({ appendfsync: 'always' })).toEqual({ sum: 3 });
  });
});

test('a durability that makes no sense is refused', async () => {
  for (const durability of ['paper', { replicas: 0 }, { replicas: 1, timeoutMs: 60_000 }]) {
    await expect(
      Pawl.open({ redis: redis.url, durability: durability as 'memory' }),
    ).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  }
});
