// Goal: a handler is never given a signal that its schema refuses, whoever has sent it, and is given what the schema made of
// it, which it made once. Method: senders that know the workflow and senders that do not, on the memory store.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { checkSignal } from '../../../../src/engine/definition/signals.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const approval = z.object({ callId: z.string(), approved: z.boolean() });

const refund = defineWorkflow({
  name: 'refund',
  signals: { approval, other: z.int() },
  run: async (ctx) => {
    const given = await ctx.waitFor('approval');
    return given?.approved === true ? 'paid' : `refused by ${JSON.stringify(given)}`;
  },
});

test('a signal is checked against the workflow, and the name and the payload are named', () => {
  expect(checkSignal(refund, 'other', 5)).toBe(5);
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['approvals', {}, '"approvals" is not one of workflow refund (approval, other)'],
    ['approval', { callId: 5 }, 'signal approval.callId does not fit'],
    ['other', undefined, 'signal other does not fit'],
    ['toString', 1, '"toString" is not one of'],
  ];
  for (const [name, payload, said] of wrong) {
    expect(() => checkSignal(refund, name, payload)).toThrow(said);
  }
});

test('a payload that does not fit is refused where it is taken, and the log says why', async () => {
  await using pawl = memoryPawl().pawl;
  const run = await pawl.start(refund, undefined);
  // Whoever has no workflow at hand is not told.
  const stranger = pawl.run(run.id);
  await stranger.signal('approval', { callId: 5 }, { id: 'm1' });
  await stranger.signal('approvals', { callId: 'c1', approved: false });
  await stranger.signal('approval', 'yes', { id: 'm2' });
  pawl.worker({ workflows: [refund] });
  await expect(run.signal('approval', { callId: 5 } as never)).rejects.toMatchObject({
    code: 'PAWL_INVALID',
    field: 'signal approval.callId',
  });
  await stranger.signal('approval', { callId: 'c1', approved: true, extra: 1 });
  expect(await run.result()).toBe('paid');
  const events = await allEvents(run);
  const refused = events.filter(({ type }) => type === 'signal.refused');
  expect(refused.map(({ data }) => data)).toEqual([
    {
      id: 'm1',
      name: 'approval',
      payload: { callId: 5 },
      at: expect.any(Number),
      reason: expect.stringMatching(/^signal approval\.callId does not fit/),
    },
    {
      id: 'm2',
      name: 'approval',
      payload: 'yes',
      at: expect.any(Number),
      reason: expect.stringMatching(/^signal approval does not fit/),
    },
  ]);
});

test('a refused signal ends no wait, and the run goes on waiting', async () => {
  await using pawl = memoryPawl().pawl;
  const patient = defineWorkflow({
    name: 'patient',
    signals: { go: z.int() },
    run: async (ctx) => (await ctx.waitFor('go', { timeout: 100 })) ?? 'nothing',
  });
  pawl.worker({ workflows: [patient] });
  const run = await pawl.start(patient, undefined);
  await pawl.run(run.id).signal('go', 'now');
  expect(await run.result()).toBe('nothing');
});

test('what a schema makes of a payload is made once, and is what every execution sees', async () => {
  await using pawl = memoryPawl().pawl;
  const seen: unknown[] = [];
  const dated = defineWorkflow({
    name: 'dated',
    signals: { at: z.string().transform((text) => new Date(text)) },
    run: async (ctx) => {
      const first = await ctx.waitFor('at', { as: 'first' });
      const second = await ctx.waitFor('at', { as: 'second' });
      seen.push([first, second]);
      await ctx.sleep('2s');
      return 'done';
    },
  });
  pawl.worker({ workflows: [dated] });
  const run = await pawl.start(dated, undefined);
  await run.signal('at', '2026-01-01T00:00:00Z');
  await pawl.run(run.id).signal('at', '2026-02-01T00:00:00Z');
  expect(await run.result()).toBe('done');
  const dates = [new Date('2026-01-01T00:00:00Z'), new Date('2026-02-01T00:00:00Z')];
  expect(seen.at(-1)).toEqual(dates);
  expect(seen.length).toBeGreaterThan(1);
});

test('a signal whose name only newer code knows waits for that code, which checks it', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const older = defineWorkflow({
    name: 'grown',
    signals: { go: z.int() },
    run: async (ctx) => {
      await ctx.waitFor('go', { as: 'first' });
      await ctx.waitFor('go', { as: 'never' });
    },
  });
  const run = await pawl.start(older, undefined);
  const worker = pawl.worker({ workflows: [older] });
  const stranger = pawl.run(run.id);
  await stranger.signal('approved', 'yes', { id: 'bad' });
  await stranger.signal('approved', { by: 'ada' }, { id: 'good' });
  await stranger.signal('approved', { by: 'eve' }, { id: 'later' });
  await stranger.signal('go', 1);
  const typesAndIds = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { type, data } of run.events({ signal: AbortSignal.timeout(200) })) {
      if (type.startsWith('signal.')) found.push(`${type} ${(data as { id: string }).id}`);
    }
    return found;
  };
  while ((await typesAndIds()).length < 4);
  await worker.close();
  const newer = defineWorkflow({
    name: 'grown',
    version: 2,
    signals: {
      go: z.int(),
      approved: z.object({ by: z.string() }).transform(({ by }) => by.toUpperCase()),
    },
    run: async (ctx) => {
      await ctx.waitFor('go', { as: 'first' });
      const by = await ctx.waitFor('approved', { as: 'one' });
      return [by, await ctx.waitFor('approved', { as: 'two' })];
    },
  });
  pawl.worker({ workflows: [newer] });
  await stranger.signal('go', 2);
  expect(await pawl.run(newer, run.id).result({ timeoutMs: 10_000 })).toEqual(['ADA', 'EVE']);
  expect((await typesAndIds()).filter((one) => one.endsWith(' bad'))).toEqual([
    'signal.received bad',
    'signal.refused bad',
  ]);
});

test('a decision that is none is refused where it is sent and where it is taken', async () => {
  await using pawl = memoryPawl().pawl;
  const run = await pawl.start(refund, undefined);
  await expect(run.decide('pay', { decide: 'don' } as never)).rejects.toThrow(
    'must be retry or done',
  );
  await expect(pawl.run(run.id).signal('effect pay', {})).rejects.toThrow('signal name');
});
