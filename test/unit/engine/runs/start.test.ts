// Goal: an input is validated once, and a start that is repeated finds its run. Method: schemas that make something else
// of what they are given, each time anew.
import { randomUUID } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import type { Schema } from '../../../../src/core/schema.ts';
import { memoryPawl } from '../../../support/memory.ts';

const traced = z.object({ a: z.number(), trace: z.string().default(() => randomUUID()) });
const made = defineWorkflow({ name: 'made', input: traced, run: (_ctx, input) => input });
const exists = { code: 'PAWL_RUN_EXISTS' };

test('the same start again finds the same run, though its default would be another one', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  pawl.worker({ workflows: [made] });
  const first = await (await pawl.start(made, { a: 1 }, { id: 'r' })).result();
  expect(await (await pawl.start(made, { a: 1 }, { id: 'r' })).result()).toEqual(first);
  // Also whoever gives all that was made.
  expect(await (await pawl.start(made, first, { id: 'r' })).result()).toEqual(first);
  await expect(pawl.start(made, { a: 2 }, { id: 'r' })).rejects.toMatchObject(exists);
  await expect(pawl.start(made, { a: 1, trace: 'x' }, { id: 'r' })).rejects.toMatchObject(exists);
});

test('the order of fields makes no other start, a default that came with new code neither', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const pair = z.object({ a: z.number(), b: z.number() });
  const before = defineWorkflow({ name: 'made', input: pair, run: () => null });
  await pawl.start(before, { a: 1, b: 2 }, { id: 'r' });
  await pawl.start(before, { b: 2, a: 1 }, { id: 'r' });
  const now = pair.extend({ c: z.number().default(() => Math.random()) });
  const after = defineWorkflow({ name: 'made', input: now, run: () => null });
  await pawl.start(after, { b: 2, a: 1 }, { id: 'r' });
  await expect(pawl.start(after, { a: 1, b: 3 }, { id: 'r' })).rejects.toMatchObject(exists);
});

test('what is given need not be storable, when what is made of it is', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const input = z.object({ url: z.instanceof(URL).transform(String) });
  const workflow = defineWorkflow({ name: 'url', input, run: (_ctx, { url }) => url });
  pawl.worker({ workflows: [workflow] });
  const start = (url: string) => pawl.start(workflow, { url: new URL(url) }, { id: 'r' });
  await start('https://a.example/');
  expect(await (await start('https://a.example/')).result()).toBe('https://a.example/');
  await expect(start('https://b.example/')).rejects.toMatchObject(exists);
});

test('a fork has the input of its run, which is not put through the schema again', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const cents = z.object({ amount: z.number().transform((euros) => euros * 100) });
  const pay = defineWorkflow({ name: 'pay', input: cents, run: (_ctx, { amount }) => amount });
  const dated = z.string().transform((text) => new Date(text));
  const at = defineWorkflow({ name: 'at', input: dated, run: (_ctx, when) => when.getTime() });
  pawl.worker({ workflows: [pay, at] });
  await (await pawl.start(pay, { amount: 12 }, { id: 'p' })).result();
  await (await pawl.start(at, '2026-01-01', { id: 'a' })).result();
  expect(await (await pawl.fork(pay, 'p', { seq: 2 }, { id: 'pf' })).result()).toBe(1200);
  // A fork that is repeated finds its run, too.
  expect(await (await pawl.fork(pay, 'p', { seq: 2 }, { id: 'pf' })).result()).toBe(1200);
  expect(await (await pawl.fork(at, 'a', { seq: 2 })).result()).toBe(Date.parse('2026-01-01'));
});

test('an export carries what makes a start known again', async () => {
  const { pawl } = memoryPawl();
  await using other = memoryPawl().pawl;
  await using _ = pawl;
  pawl.worker({ workflows: [made] });
  const result = await (await pawl.start(made, { a: 1 }, { id: 'r' })).result();
  const lines: string[] = [];
  for await (const line of pawl.export()) lines.push(line);
  await other.import(lines);
  expect(await (await other.start(made, { a: 1 }, { id: 'r' })).result()).toEqual(result);
  await expect(other.start(made, { a: 3 }, { id: 'r' })).rejects.toMatchObject(exists);
});

test('with encryption, nothing tells what was given', async () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const encryption = { current: 'k', keys: { k: key } };
  const { pawl, store } = memoryPawl({ encryption });
  await using _ = pawl;
  await pawl.start(made, { a: 1 }, { id: 'r' });
  await pawl.start(made, { a: 1 }, { id: 'r' });
  await pawl.start(made, { a: 1 }, { id: 's' });
  const inputs = await Promise.all(['r', 's'].map(async (id) => (await store.record(id))?.input));
  expect(inputs.map((bytes) => bytes?.[0])).toEqual([2, 2]);
});

test('a schema that answers later is refused, and nothing is written', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  // A promise of another realm is none of this one's.
  const later: unknown = runInNewContext('Promise.resolve({ value: 1 })');
  const input = {
    '~standard': { version: 1, vendor: 'far', validate: () => later },
  } as unknown as Schema<unknown, number>;
  const workflow = defineWorkflow({ name: 'later', input, run: (_ctx, one) => one });
  await expect(pawl.start(workflow, 1, { id: 'r' })).rejects.toThrow(/validates asynchronously/);
  expect(await store.record('r')).toBeUndefined();
});
