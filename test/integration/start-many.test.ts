// Goal: 10,000 runs are started on a real Redis in one call, in seconds, and each is there once. Method: the call, and
// the same call again. What a kill in the middle leaves: examples/outbox.
import { expect, inject, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { newPrefix, openPawl } from '../support/workers.ts';

const noted = defineWorkflow({ name: 'noted', input: z.int(), run: (_ctx, n) => n });
const items = Array.from({ length: 10_000 }, (_, n) => ({ id: `n-${n}`, input: n }));

test(
  '10,000 runs are created by one call, and known to the next',
  { timeout: 120_000 },
  async () => {
    await using pawl = await openPawl(inject('redisUrl'), newPrefix());
    const began = performance.now();
    const outcomes = await pawl.startMany(noted, items);
    const ms = Math.round(performance.now() - began);
    console.log(`10,000 runs were started in ${ms} ms`);
    expect(outcomes.every(({ outcome }) => outcome === 'created')).toBe(true);
    expect((await pawl.stats()).runs.queued).toBe(10_000);
    const again = await pawl.startMany(noted, items);
    expect(again.every(({ outcome }) => outcome === 'known')).toBe(true);
    expect((await pawl.stats()).runs.queued).toBe(10_000);
  },
);
