/** The question that matters: what if the worker dies right here? Asked before and after each write. Needs no Redis. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashTest } from 'pawl/testing';
import { pace, payments } from '../src/shop.ts';
import { order } from '../src/workflows.ts';

test('an order ends the same, wherever its worker dies, and is paid once', async () => {
  pace.packMs = 0;
  const report = await crashTest(
    order,
    { item: 'lamp', parcels: 3 },
    { setUp: () => payments.clear(), observe: () => [...payments.values()] },
  );
  assert.ok(report.crashes >= 10);
  console.log(`${report.crashes} crashes tried, ${report.violations.length} changed something`);
});
