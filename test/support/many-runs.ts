/**
 * Fills a prefix with many runs in little time: real runs, one of each status, made through a store, are copied inside
 * Redis, with an id, a time, a workflow and tags of their own.
 */
import type { Redis } from 'ioredis';
import type { RunStatus } from '../../src/core/run.ts';
import type { RedisRunStore } from '../../src/redis/run-store.ts';
import { Keys } from '../../src/redis/keys.ts';
import { bytes, claimed, committed, created, farMs } from '../../src/testing/run-store/opened.ts';

/** What the runs are made of; the `i` of a run decides which of each it gets. */
export const worker = 'the-worker';
const statuses = ['completed', 'failed', 'queued', 'running'] as const;

type Original = (typeof statuses)[number];

/** One in forty has failed, one in twelve waits for a worker, one in five hundred is at work. */
function statusOf(i: number): Original {
  if (i % 500 === 7) return 'running';
  if (i % 19 === 3 && !isCommon(i)) return 'failed';
  return i % 12 === 5 ? 'queued' : 'completed';
}

/** Half of the runs are of one workflow; of the other half, few are, and all have one tag. */
function isCommon(i: number): boolean {
  return i % 2 === 0 || i % 50 === 1;
}

export interface Copied {
  readonly id: string;
  readonly status: RunStatus;
  readonly workflow: string;
  readonly tenant: string;
  readonly createdAt: number;
}

/** The run with this number. No run of workflow `w0` has failed: there are conditions that exclude each other. */
export function copiedRun(i: number, firstAt: number): Copied {
  const id = `order-${String((i * 7919) % 1000).padStart(3, '0')}-${i}`;
  const workflow = isCommon(i) ? 'w0' : `w${i % 10}`;
  const tenant = i % 2 === 1 ? 'odd' : `t${i % 97}`;
  // Three of them in each millisecond.
  return { id, status: statusOf(i), workflow, tenant, createdAt: firstAt + Math.floor(i / 3) };
}

const copyScript = `
local base, n = ARGV[1], 0
for i = 2, #ARGV, 6 do
  local id, from, workflow, tenant, at, status =
    ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  redis.call('COPY', base .. 'run:' .. from, base .. 'run:' .. id)
  redis.call('HSET', base .. 'run:' .. id, 'createdAt', at, 'workflow', workflow)
  redis.call('COPY', base .. 'payload:' .. from, base .. 'payload:' .. id)
  redis.call('HSET', base .. 'payload:' .. id, 'tags', 'tenant=' .. tenant)
  redis.call('ZADD', base .. 'runs', at, id)
  redis.call('ZADD', base .. 'ids', 0, id)
  redis.call('ZADD', base .. 'by-status:' .. status, at, id)
  redis.call('ZADD', base .. 'by-workflow:' .. workflow, at, id)
  redis.call('ZADD', base .. 'by-tag:tenant=' .. tenant, at, id)
  if status == 'running' then redis.call('SADD', base .. 'held:${worker}', id) end
end`;

/** Makes the runs from number `from` to below `until`; returns them. */
export async function copyRuns(
  {
    store,
    redis,
    prefix,
    shards,
  }: { store: RedisRunStore; redis: Redis; prefix: string; shards: number },
  { from, until, firstAt }: { from: number; until: number; firstAt: number },
): Promise<Copied[]> {
  const keys = new Keys(prefix, shards);
  const runs = Array.from({ length: until - from }, (_, i) => copiedRun(from + i, firstAt));
  const originals = await Promise.all(keys.shards.map((_, n) => makeOriginals(store, keys, n)));
  const batches = new Map<string, string[]>();
  const flush = async (base: string, args: readonly string[]): Promise<void> => {
    await redis.eval(copyScript, 1, `${base}runs`, base, ...args);
    batches.set(base, []);
  };
  for (const run of runs) {
    const { base } = keys.of(run.id);
    const original =
      originals[keys.shards.indexOf(keys.of(run.id))]?.ids[run.status as Original] ?? '';
    const args = batches.get(base) ?? [];
    batches.set(base, args);
    args.push(run.id, original, run.workflow, run.tenant, String(run.createdAt), run.status);
    if (args.length >= 6 * 1000) await flush(base, args);
  }
  for (const [base, args] of batches) await flush(base, args);
  await Promise.all(originals.map(({ remove }) => remove()));
  return runs;
}

/** One run of each status in a shard, through the store, and how to be rid of them. */
async function makeOriginals(
  store: RedisRunStore,
  keys: Keys,
  shard: number,
): Promise<{ ids: Record<Original, string>; remove: () => Promise<void> }> {
  const ids: Partial<Record<Original, string>> = {};
  const release = { status: 'queued', resendMs: farMs } as const;
  const afterwards: (() => Promise<unknown>)[] = [];
  for (const status of statuses) {
    let run = '';
    for (let n = 0; run === '' || keys.of(run) !== keys.shards[shard]; n++)
      run = `${status}.${shard}.${n}`;
    ids[status] = await created(store, { run });
    if (status === 'queued') continue;
    const { ownership } = await claimed(store, run, { worker });
    const end = { keepMs: farMs, error: bytes('error'), output: bytes('output') };
    if (status === 'running') afterwards.push(() => committed(store, ownership, { release }));
    else await committed(store, ownership, { release: { status, ...end } });
  }
  const remove = async (): Promise<void> => {
    for (const one of afterwards) await one();
    for (const id of Object.values(ids)) await store.delete(id);
  };
  return { ids: ids as Record<Original, string>, remove };
}
