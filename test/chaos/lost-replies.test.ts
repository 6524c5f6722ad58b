// Goal: one lost reply costs a run seconds at most, whichever reply it was. Method: runs whose worker loses one at a random
// moment, be it of a commit, a beat, a look, a blocking read or a job; the connection stays open and says nothing more.
// What it cost is the longest pause in the run's log, which is judged with PAWL_THOROUGH: a busy machine pauses by itself.
// PAWL_LOST_REPLIES=400 measures, and prints the shares.
import { afterEach, expect, inject, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pawl } from 'pawl';
import { seeded } from '../support/linearizability/clients.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { isThorough } from '../support/thorough.ts';
import { allEvents, checkLog, newPrefix, openPawl } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

const loops = 4;
const lossesPerLoop = Math.ceil(Number(process.env['PAWL_LOST_REPLIES'] ?? 16) / loops);
const paceMs = 20;
/** A job whose wake-up was lost is sent another one after three seconds, and the sweep that does it may lose its reply. */
const costMsMax = 8_000;

/** A silent connection alone: less than the time after which ioredis drops one. */
const medianMsMax = 3_000;

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A worker behind a proxy of its own, and runs one after the other; the costs of their losses. */
async function loop(seed: number): Promise<number[]> {
  const random = seeded(seed);
  const prefix = newPrefix();
  const { hostname, port } = new URL(inject('redisUrl'));
  const caller = await openPawl(inject('redisUrl'), prefix);
  closers.push(() => caller.close());
  const proxy = await startTcpProxy({ target: { host: hostname, port: Number(port) } });
  closers.push(() => proxy.close());
  const pawl = await Pawl.open({ redis: proxy.url, prefix });
  closers.push(() => pawl.close({ graceMs: 100 }));
  await pawl.worker({ workflows: [ticks] }).ready();
  const costs: number[] = [];
  for (let i = 0; i < lossesPerLoop; i++) {
    if (random() < 0.3) proxy.loseReply();
    const run = await caller.start(ticks, { count: 30, paceMs });
    await sleep(random() * 500);
    proxy.loseReply();
    expect(await run.result({ timeoutMs: 100_000 })).toEqual({ sum: 435 });
    const events = await allEvents(run);
    checkLog(events);
    const times = events.map(({ at }) => at.getTime());
    costs.push(Math.max(...times.map((at, place) => at - (times[place - 1] ?? at))) - paceMs);
  }
  return costs;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

test(
  'one lost reply costs a run seconds at most',
  async () => {
    const all = await Promise.all(Array.from({ length: loops }, (_, seed) => loop(seed)));
    const costs = all.flat().toSorted((a, b) => a - b);
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => quantile(costs, share));
    if (process.env['PAWL_LOST_REPLIES'] !== undefined) {
      process.stdout.write(
        `${JSON.stringify({ losses: costs.length, p50, p90, p99, max: costs.at(-1) })}\n`,
      );
    }
    expect(costs).toHaveLength(loops * lossesPerLoop);
    if (!isThorough) return;
    expect(costs.at(-1)).toBeLessThan(costMsMax);
    expect(p50).toBeLessThan(medianMsMax);
  },
  60_000 + lossesPerLoop * 25_000,
);
