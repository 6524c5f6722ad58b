/**
 * `npm run bench:costs`: microseconds of Redis for each call of pawl and of its queue, as Redis itself counts them,
 * without reading requests and writing answers. docs/scaling.md and the simulated fleet (bench/simulate/costs.ts) have
 * these figures.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { newToken } from '../src/engine/token.ts';
import { startRedisServer } from '../src/testing/redis-server.ts';
import { ClaimedRun, encoded, openStore } from './claimed-run.ts';
import { eventData } from './payloads.ts';
import { median } from './statistics.ts';

const rounds = 5;
const runs = 1_000;
const resendMs = 60_000;
const day = 86_400_000;
const data = encoded({ text: 'What a run is given, or comes to. '.repeat(6).slice(0, 190) });
const event = { type: 'note', data: encoded(eventData) };

const server = await startRedisServer({ config: { 'auto-aof-rewrite-percentage': '0' } });
const redis = new Redis(server.url);
const store = await openStore(server.url);
const found = new Map<string, number[]>();

/** Microseconds in Redis while `work` is done, for each of `count`. */
async function cost(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
  await redis.config('RESETSTAT');
  await work();
  const stats = await redis.info('commandstats');
  let micros = 0;
  for (const [, name, usec] of stats.matchAll(/cmdstat_([^:]+):calls=\d+,usec=(\d+)/g)) {
    // What a script calls is part of the script.
    if (isOutside(name ?? '', stats)) micros += Number(usec);
  }
  found.set(what, [...(found.get(what) ?? []), micros / count]);
}

/** Scripts alone count where there are some: what else is called, they call. */
function isOutside(name: string, stats: string): boolean {
  if (name.startsWith('config') || name === 'info') return false;
  return name === 'evalsha' || !stats.includes('cmdstat_evalsha');
}

async function each(count: number, one: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await one(i);
}

function create(run: string, delayMs?: number): Promise<unknown> {
  return store.create({
    run,
    workflow: 'bench',
    input: data,
    tags: { tenant: 'acme' },
    data,
    resendMs,
    token: newToken(),
    ...(delayMs === undefined ? {} : { delayMs }),
  });
}

const sleeping = { status: 'waiting', wakeMs: day, waits: [], why: 'parked' } as const;
const worker = { id: 'bench', host: 'here', pid: 1, workflows: { bench: 1 }, concurrency: 1 };
const idle = { active: 0, loopLagMs: 0 };

async function lifeOfRuns(round: number): Promise<void> {
  const id = (i: number): string => `r${round}-${i}`;
  await cost('create', runs, () => each(runs, (i) => create(id(i))));
  const claimed: ClaimedRun[] = [];
  await cost('claim', runs, () =>
    each(runs, async (i) => {
      const claim = { run: id(i), worker: 'bench', codeVersion: 1, token: newToken() };
      const outcome = await store.claim(claim);
      if (outcome.outcome !== 'claimed') throw new Error(`a run was ${outcome.outcome}`);
      claimed.push(ClaimedRun.from(store, outcome));
    }),
  );
  await cost('append', runs, () => each(runs, async (i) => claimed[i]?.commit([event])));
  await cost('append, 16 at once', runs, () =>
    each(Math.ceil(runs / 16), (i) =>
      Promise.all(claimed.slice(16 * i, 16 * (i + 1)).map((run) => run.commit([event]))),
    ),
  );
  const snapshot = { schema: 1, set: new Map([['state:text', data]]), remove: [] };
  await cost('save of a field', runs, () =>
    each(runs, async (i) => claimed[i]?.commit([], snapshot)),
  );
  const half = runs / 2;
  await cost('park, with a field', half, () =>
    each(half, async (i) => claimed[i]?.commit([event], snapshot, sleeping)),
  );
  await cost('complete', half, () => each(half, async (i) => claimed[half + i]?.end()));
  await cost('load', runs, () => each(runs, (i) => store.load(id(i))));
}

async function fleet(round: number): Promise<void> {
  const lost = `lost-${round}`;
  const held = 200;
  await each(held, async (i) => {
    await create(`h${round}-${i}`);
    const claim = { run: `h${round}-${i}`, worker: lost, codeVersion: 1, token: newToken() };
    await store.claim(claim);
  });
  await cost('unproven', 100, () => each(100, () => store.fleet.unproven(lost)));
  const about = { worker: lost, reason: 'presence-lost', lastSeenAt: 0 } as const;
  await cost(`interrupt of ${held} runs`, 1, () =>
    store.fleet.interrupt({ ...about, resendMs, quarantineAfter: 3, limit: held }),
  );
  await cost('interrupt of none', 100, () =>
    each(100, () => store.fleet.interrupt({ ...about, resendMs, quarantineAfter: 3, limit: 1 })),
  );
  await cost('due, none', 500, () => each(500, () => store.fleet.due({ limit: 200, resendMs })));
  await each(held, (i) => create(`d${round}-${i}`, 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await cost(`due, ${held} runs`, 1, () => store.fleet.due({ limit: held, resendMs }));
  await cost('schedules due, none', 500, () => each(500, () => store.schedules.due(10)));
  await cost('turns due, none', 500, () => each(500, () => store.turns.due(200)));
  await cost('list of 50', 50, () => each(50, () => store.lists.runs({ limit: 50 })));
}

async function workers(count: number): Promise<void> {
  const about = { ...worker, ...idle };
  await store.fleet.beat(about, day);
  await cost('beat', 500, () => each(500, () => store.fleet.beat(about, day)));
  const label = count.toLocaleString('en-GB');
  await cost(`look at ${label} workers`, 50, () =>
    each(50, () => store.fleet.elect('bench', 5_000)),
  );
  await cost('look of a follower', 200, () => each(200, () => store.fleet.elect('other', 5_000)));
  await cost(`holders and registered, ${label} workers`, 10, () =>
    each(10, async () => {
      await store.fleet.holders();
      await store.fleet.registered();
    }),
  );
  await cost(`list of ${label} workers`, 1, () => store.fleet.workers());
}

async function wakeUps(): Promise<void> {
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const blocking = connection.duplicate();
  const queue = new Queue('costs', { connection });
  await cost('BullMQ: add', runs, () => each(runs, (i) => queue.add('run', { run: `r${i}` })));
  const finished = new Promise<void>((resolve) => {
    let left = runs;
    const consumer = new Worker(
      'costs',
      async () => {
        left -= 1;
        if (left === 0) setTimeout(() => void consumer.close().then(() => resolve()), 50);
      },
      { connection: blocking, concurrency: 50, removeOnComplete: { count: 0 } },
    );
  });
  await cost('BullMQ: take and finish', runs, () => finished);
  await queue.close();
  for (const one of [connection, blocking]) one.disconnect();
}

for (let round = 0; round < rounds; round++) {
  await lifeOfRuns(round);
  await fleet(round);
  await wakeUps();
}
let registered = 0;
for (const count of [100, 1_000, 10_000]) {
  for (; registered < count; registered++) {
    const id = `w${registered}`;
    await store.fleet.register(id);
    await store.fleet.beat({ ...worker, ...idle, id }, day);
  }
  for (let round = 0; round < rounds; round++) await workers(count);
}
for (const [what, micros] of found) console.log(`${what}: ${median(micros).toFixed(1)} µs`);
await store.close();
redis.disconnect();
await server.stop();
process.exit();
