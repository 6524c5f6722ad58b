// Goal: a scrape tells what only the store knows, also when a store is away. Method: a real HTTP server, two fleets in one
// process, and the text read line by line.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { registerFleetMetrics } from 'pawl/metrics';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { created } from '../../src/testing/run-store/opened.ts';
import { memoryPawl } from '../support/memory.ts';
import { withMethods } from '../support/with-methods.ts';

/** A server that tells its metrics; returns the way to scrape it. */
async function served(registry: Registry): Promise<() => Promise<Map<string, number>>> {
  const server = createServer((_, response) => {
    void registry.metrics().then((text) => response.end(text));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return async () => parse(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
}

/** Every line is a comment, or a sample of a metric that was announced. */
function parse(text: string): Map<string, number> {
  const known = new Set<string>();
  const samples = new Map<string, number>();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, name = ''] = /^# TYPE (\w+) gauge$/.exec(line) ?? [];
    if (name !== '') known.add(name);
    if (line.startsWith('#')) continue;
    const [, metric = '', labels = '', value] = /^(\w+)(\{[^}]*\}) (\S+)$/.exec(line) ?? [];
    expect(known, line).toContain(metric);
    expect(Number.isFinite(Number(value)), line).toBe(true);
    samples.set(metric + labels, Number(value));
  }
  return samples;
}

/** A store, and how often its stats were read. */
function countedStore(): { readonly store: MemoryRunStore; asked: number } {
  const plain = new MemoryRunStore();
  const observation = withMethods(plain.observation, {
    stats: () => {
      counted.asked += 1;
      return plain.observation.stats();
    },
  });
  const counted = { store: withMethods(plain, { observation }), asked: 0 };
  return counted;
}

test('two fleets in one process are told apart, each asked once for a scrape', async () => {
  const registry = new Registry();
  const stores = [countedStore(), countedStore()] as const;
  const [main, other] = stores.map(({ store }) => memoryPawl({ store }).pawl) as [Pawls, Pawls];
  const stop = registerFleetMetrics(registry, { main, other });
  for (let n = 0; n < 3; n++) await created(stores[0].store);
  const scrape = await served(registry);
  const samples = await scrape();
  expect(samples.get('pawl_runs{fleet="main",status="queued"}')).toBe(3);
  expect(samples.get('pawl_runs{fleet="other",status="queued"}')).toBe(0);
  expect(samples.get('pawl_up{fleet="main"}')).toBe(1);
  expect(samples.get('pawl_workers{fleet="main"}')).toBe(0);
  expect(stores.map(({ asked }) => asked)).toEqual([1, 1]);
  // Eight numbers and one for each of the eight statuses, per fleet: whatever is in the store.
  expect(samples.size).toBe(2 * 16);
  await created(stores[1].store);
  expect((await scrape()).get('pawl_runs{fleet="other",status="queued"}')).toBe(1);
  stop();
  expect(await registry.metrics()).toBe('\n');
  await Promise.all([main.close(), other.close()]);
});

test('a store that is away, or hangs, is told and holds nothing up', async () => {
  const registry = new Registry();
  const { pawl } = memoryPawl();
  const never = new Promise<never>(() => undefined);
  const away = { stats: () => Promise.reject(new Error('away')), workers: async () => [] };
  const hanging = { stats: () => never, workers: async () => [] };
  registerFleetMetrics(registry, { pawl, away, hanging }, { answerMs: 50 });
  const samples = await (await served(registry))();
  expect(samples.get('pawl_up{fleet="pawl"}')).toBe(1);
  expect(samples.get('pawl_up{fleet="away"}')).toBe(0);
  expect(samples.get('pawl_up{fleet="hanging"}')).toBe(0);
  // What is not known is not told.
  expect([...samples.keys()].filter((key) => /away|hanging/.test(key)).length).toBe(2);
  await pawl.close();
});

test('a store that goes away takes its old numbers along', async () => {
  const registry = new Registry();
  const { pawl } = memoryPawl();
  registerFleetMetrics(registry, { main: pawl });
  const scrape = await served(registry);
  expect((await scrape()).size).toBe(16);
  await pawl.close();
  expect([...(await scrape())]).toEqual([['pawl_up{fleet="main"}', 0]]);
});

type Pawls = ReturnType<typeof memoryPawl>['pawl'];
