// Goal: what happens is counted in a registry of prom-client that belongs to the user, and scraped as text.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { registerMetrics } from 'pawl/metrics';
import { memoryPawl } from '../support/memory.ts';

const counted = defineWorkflow({
  name: 'counted',
  async run(ctx) {
    await ctx.step('one', () => 1);
    await ctx.step('two', () => 2);
  },
});

/** Samples of a text in the format of Prometheus, by name and labels. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) continue;
    const [, sample = '', value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? [];
    if (value === undefined) throw new Error(`not a sample: ${line}`);
    samples.set(sample, Number(value));
  }
  return samples;
}

test('runs, commits and steps are counted and scraped', async () => {
  const registry = new Registry();
  const stop = registerMetrics(registry);
  const server = createServer((_request, response) => {
    void registry.metrics().then((text) => response.end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [counted] });
    const runs = await Promise.all([1, 2, 3].map(() => pawl.start(counted, undefined)));
    await Promise.all(runs.map((run) => run.result({ timeoutMs: 20_000 })));
    const { port } = server.address() as AddressInfo;
    const samples = parse(await (await fetch(`http://127.0.0.1:${port}/`)).text());
    const of = (name: string, ...labels: string[]): number | undefined =>
      samples.get(`${name}{${['workflow="counted"', ...labels].join(',')}}`);
    expect(of('pawl_runs_started_total')).toBe(3);
    expect(of('pawl_executions_total', 'end="completed"')).toBe(3);
    expect(of('pawl_executions_active')).toBe(0);
    expect(of('pawl_step_seconds_count', 'outcome="completed"')).toBe(6);
    // Two steps and the end of each run.
    expect(of('pawl_events_total')).toBe(9);
    expect(of('pawl_commit_seconds_count')).toBe(9);
    expect(of('pawl_event_bytes_total')).toBeGreaterThan(9);
    for (const run of runs) expect([...samples.keys()].join('\n')).not.toContain(run.id);
  } finally {
    server.close();
    stop();
  }
  expect(await registry.metrics()).not.toContain('pawl_');
});

test('two registries count by themselves, and one can be registered again', async () => {
  const registry = new Registry();
  const stopFirst = registerMetrics(registry);
  expect(() => registerMetrics(registry)).toThrow('already been registered');
  stopFirst();
  const other = new Registry();
  registerMetrics(other)();
  const stop = registerMetrics(other);
  expect(await other.metrics()).toContain('pawl_runs_started_total');
  stop();
});
