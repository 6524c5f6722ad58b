/**
 * `npm run bench:moving`: how much memory an export and the import that reads it take, and how long, by what is moved.
 *
 * Both are in this process, line by line from one to the other. The heap is looked at right after a collection, so that
 * what is counted is what is held, not what waits to be collected; so it is what a long run would leave in memory.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pawl } from '../src/index.ts';
import { startRedisServer } from '../src/testing/redis-server.ts';
import { ClaimedRun, encoded, openStore } from './claimed-run.ts';
import { eventData } from './payloads.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const eventsPerCommit = 250;
const runsAtOnce = 50;
const linesPerLook = 2_000;
const mebi = 1_048_576;

const cases: readonly (readonly [runs: number, events: number])[] = [
  [1, 10_000],
  [1, 100_000],
  [10_000, 50],
];

const event = { type: 'note', data: encoded(eventData) };

function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

async function write(url: string, runs: number, events: number): Promise<void> {
  const store = await openStore(url);
  const writeOne = async (id: string): Promise<void> => {
    const run = await ClaimedRun.claim(store, id);
    for (let written = 0; written < events; written += eventsPerCommit) {
      const more = Math.min(eventsPerCommit, events - written);
      await run.commit(Array.from({ length: more }, () => event));
    }
    await run.end();
  };
  for (let made = 0; made < runs; made += runsAtOnce) {
    const more = Math.min(runsAtOnce, runs - made);
    await Promise.all(Array.from({ length: more }, (_, i) => writeOne(`moved-${made + i}`)));
  }
  await store.close();
}

async function move(url: string): Promise<string> {
  const source = await Pawl.open({ redis: url, prefix: 'bench' });
  const target = await Pawl.open({ redis: url, prefix: 'moved' });
  const before = heap();
  let highest = before;
  let lines = 0;
  async function* watched(): AsyncGenerator<string> {
    for await (const line of source.export()) {
      lines += 1;
      if (lines % linesPerLook === 0) highest = Math.max(highest, heap());
      yield line;
    }
  }
  const startedAt = performance.now();
  const { runs, events } = await target.import(watched());
  const seconds = (performance.now() - startedAt) / 1000;
  await source.close();
  await target.close();
  const held = ((highest - before) / mebi).toFixed(1);
  return `${runs} runs, ${events} events, ${lines} lines: ${held} MB of heap at most, ${seconds.toFixed(1)} s`;
}

for (const [runs, events] of cases) {
  const server = await startRedisServer();
  try {
    await write(server.url, runs, events);
    process.stdout.write(`${await move(server.url)}\n`);
  } finally {
    await server.stop();
  }
}
