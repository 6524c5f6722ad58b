// Goal: two waits for one signal take the answers that are meant for them, also over parking, crash and other code; and of
// two answers to one wait, one is taken and the other one is told. Method: the memory store, the crash test.
import { describe, expect, test } from 'vitest';
import { AnsweredError, defineGraph, defineWorkflow, type Pawl } from 'pawl';
import type { RunEvent } from 'pawl';
import { crashTest } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

const approval = z.object({ callId: z.string().optional(), ok: z.boolean() });

/** Waits for two approvals at once, each of its own call. */
const calls = defineWorkflow({
  name: 'calls',
  signals: { approval },
  async run(ctx) {
    const answers = await Promise.all(
      ['c1', 'c2'].map((key) => ctx.waitFor('approval', { key, label: `May ${key} go?` })),
    );
    return answers.map((one) => one?.ok);
  },
});

/** As `calls`, and the key is in the payload. */
const reading = defineWorkflow({
  ...calls.definition,
  name: 'reading',
  signalKeys: { approval: 'callId' },
});

async function parked(pawl: Pawl, id: string): Promise<void> {
  await expect.poll(async () => (await pawl.run(id).info()).status).toBe('waiting');
}

const claims = (events: readonly RunEvent[]): number =>
  events.filter(({ type }) => type === 'run.claimed').length;

describe('a wait with a key', () => {
  test.each(['at once', 'when it is parked'])('takes the signal of its key, %s', async (when) => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(calls, undefined, { id: 'r' });
    if (when === 'when it is parked') {
      pawl.worker({ workflows: [calls] });
      await parked(pawl, 'r');
    }
    // Nobody waits for this one: it stays where it is, and wakes nobody.
    await run.signal('approval', { ok: true }, { key: 'c3' });
    await run.signal('approval', { ok: true });
    await run.signal('approval', { ok: false }, { key: 'c2' });
    if (when === 'at once') pawl.worker({ workflows: [calls] });
    await run.signal('approval', { ok: true }, { key: 'c1', actor: 'ada' });
    expect(await run.result()).toEqual([true, false]);
    const events = await allEvents(run);
    const taken = events.filter(({ type }) => type === 'signal.received');
    expect(taken.map(({ data }) => (data as { key?: string }).key)).toEqual([
      'c3',
      undefined,
      'c2',
      'c1',
    ]);
    expect(taken.at(-1)?.data).toMatchObject({ actor: 'ada' });
  });

  test('is not woken by another key', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [calls] });
    const run = await pawl.start(calls, undefined, { id: 'r' });
    await parked(pawl, 'r');
    for (const key of ['c3', 'c11', 'c']) await run.signal('approval', { ok: true }, { key });
    await run.signal('approval', { ok: true });
    await run.signal('approval', { ok: true }, { key: 'c1' });
    await run.signal('approval', { ok: true }, { key: 'c2' });
    await run.result();
    expect(claims(await allEvents(run))).toBeLessThanOrEqual(3);
  });

  test('takes the key from the payload, as its sender or its receiver knows it', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [reading] });
    const run = await pawl.start(reading, undefined, { id: 'r' });
    await parked(pawl, 'r');
    await run.signal('approval', { callId: 'c2', ok: false });
    // A sender that does not know the workflow.
    await pawl.run('r').signal('approval' as never, { callId: 'c1', ok: true });
    expect(await run.result()).toEqual([true, false]);
  });

  test('a key that the payload contradicts is refused, by sender and receiver', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [reading] });
    const run = await pawl.start(reading, undefined, { id: 'r' });
    const swapped = { callId: 'c2', ok: true };
    await expect(run.signal('approval', swapped, { key: 'c1' })).rejects.toMatchObject({
      code: 'PAWL_INVALID',
      message: 'key is "c1", and callId of the payload is "c2".',
    });
    await pawl.run('r').signal('approval' as never, swapped, { key: 'c1' });
    await run.signal('approval', { callId: 'c1', ok: true });
    await run.signal('approval', { callId: 'c2', ok: false });
    expect(await run.result()).toEqual([true, false]);
    const refused = (await allEvents(run)).filter(({ type }) => type === 'signal.refused');
    expect(refused.map(({ data }) => (data as { reason: string }).reason)).toEqual([
      'key is "c1", and callId of the payload is "c2".',
    ]);
    await expect(run.signal('approval', { ok: true }, { key: 'a key' })).rejects.toThrow(
      'signal key "a key" has characters outside',
    );
  });

  test('is found by its key, and says what a person needs to know', async () => {
    await using pawl = memoryPawl().pawl;
    const asking = defineWorkflow({
      name: 'asking',
      signals: { approval },
      async run(ctx) {
        const form = { ok: 'boolean', why: 'text', who: ['team', 'lead'] } as const;
        await ctx.waitFor('approval', { key: 'c1', label: 'Pay 40 €?', form, timeout: '1h' });
      },
    });
    pawl.worker({ workflows: [asking] });
    const before = Date.now();
    await pawl.start(asking, undefined, { id: 'r' });
    await parked(pawl, 'r');
    const found = async (waitKey: string): Promise<unknown[]> => {
      const { runs } = await pawl.list({ waitsFor: 'approval', waitKey });
      return runs.map(({ id }) => id);
    };
    expect(await found('c1')).toEqual(['r']);
    expect(await found('c2')).toEqual([]);
    const [wait] = (await pawl.list({ waitsFor: 'approval' })).runs[0]?.waits ?? [];
    expect(wait).toEqual({
      kind: 'signal',
      name: 'wait:approval:c1',
      on: ['approval'],
      key: 'c1',
      label: 'Pay 40 €?',
      form: { ok: 'boolean', why: 'text', who: ['team', 'lead'] },
      since: expect.any(Date),
      until: expect.any(Date),
    });
    expect(Number(wait?.since)).toBeGreaterThanOrEqual(before - 1);
    await expect(pawl.list({ waitKey: 'c1' })).rejects.toThrow('needs waitsFor');
    await expect(pawl.list({ waitsFor: 'kind:timer', waitKey: 'c1' })).rejects.toThrow('waitsFor');
  });

  test('says since when it has waited, also after another wait was answered', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [calls] });
    const run = await pawl.start(calls, undefined, { id: 'r' });
    await parked(pawl, 'r');
    const sinceOf = async (key: string): Promise<number> =>
      Number((await run.info()).waits.find((wait) => wait.key === key)?.since);
    const before = await sinceOf('c2');
    await run.answer('wait:approval:c1', { ok: true });
    await expect.poll(() => sinceOf('c1')).toBeNaN();
    await parked(pawl, 'r');
    expect(await sinceOf('c2')).toBe(before);
  });

  test('ends the same whichever call its worker dies at', async () => {
    const outputs = new Set<string>();
    const report = await crashTest(reading, undefined, {
      select: (ending) => outputs.add(JSON.stringify(ending.output)) && ending,
      signals: [
        { name: 'approval', payload: { callId: 'c2', ok: false }, after: 1 },
        { name: 'approval', payload: { ok: true }, key: 'c3', after: 1 },
        { name: 'approval', payload: { ok: true }, key: 'c1', after: 2 },
      ],
    });
    expect([...outputs]).toEqual(['[true,false]']);
    expect(report.crashes).toBeGreaterThan(5);
  });

  test('works in nodes of a graph', async () => {
    await using pawl = memoryPawl().pawl;
    const graph = defineGraph({
      name: 'graph',
      state: z.object({ answers: z.record(z.string(), z.boolean()).default({}) }),
      signals: { approval },
      signalKeys: { approval: 'callId' },
      args: { ask: z.string() },
      start: 'fan',
      nodes: {
        fan: () => undefined,
        ask: async (ctx) => {
          const answer = await ctx.waitFor('approval', { key: ctx.args });
          return { set: { answers: { [ctx.args]: answer?.ok === true } } };
        },
      },
      edges: {
        fan: () => ['c1', 'c2'].map((args) => ({ node: 'ask' as const, args })),
        ask: 'end',
      },
      merge: { answers: (before, more) => ({ ...before, ...more }) },
    });
    pawl.worker({ workflows: [graph] });
    const run = await pawl.start(graph, {}, { id: 'r' });
    await parked(pawl, 'r');
    await run.signal('approval', { callId: 'c2', ok: true });
    await run.signal('approval', { callId: 'c1', ok: false });
    expect((await run.result()).answers).toEqual({ c1: false, c2: true });
  });

  test('signalKeys are of signals', () => {
    expect(() =>
      defineWorkflow({ ...calls.definition, signalKeys: { approvals: 'ok' } as never }),
    ).toThrow('signalKeys has "approvals", which is not in signals');
  });
});

describe('an answer', () => {
  test('the first one wins, and the second one hears who was first', async () => {
    const { pawl, store } = memoryPawl();
    await using _ = pawl;
    pawl.worker({ workflows: [calls] });
    const run = await pawl.start(calls, undefined, { id: 'r' });
    await parked(pawl, 'r');
    const [first, second] = await Promise.allSettled([
      run.answer('wait:approval:c1', { ok: true }, { actor: 'ada' }),
      run.answer('wait:approval:c1', { ok: false }, { actor: 'bob' }),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({
      reason: {
        code: 'PAWL_ANSWERED',
        outcome: 'not-applied',
        run: 'r',
        wait: 'wait:approval:c1',
        by: 'ada',
        message: expect.stringContaining('ada was first'),
      },
    });
    // Also when it was taken long ago, while the run waits for something else, and when the run is over.
    await parked(pawl, 'r');
    const late = run.answer('wait:approval:c1', { ok: false });
    await expect(late).rejects.toBeInstanceOf(AnsweredError);
    await expect(late).rejects.toMatchObject({ by: 'ada' });
    await run.answer('wait:approval:c2', { ok: false }, { actor: 'cleo' });
    expect(await run.result()).toEqual([true, false]);
    await expect(run.answer('wait:approval:c2', { ok: true })).rejects.toMatchObject({
      by: 'cleo',
    });
    await expect(run.answer('no such wait', { ok: true })).rejects.toMatchObject({
      code: 'PAWL_RUN_ENDED',
    });
    expect((await store.readInbox('r')).messages).toEqual([]);
    const taken = (await allEvents(run)).filter(({ type }) => type === 'signal.received');
    expect(taken).toHaveLength(2);
  });

  test('an answer that does not fit leaves the wait open', async () => {
    await using pawl = memoryPawl().pawl;
    pawl.worker({ workflows: [calls] });
    const run = await pawl.start(calls, undefined, { id: 'r' });
    await parked(pawl, 'r');
    const answer = run.answer('wait:approval:c1', { ok: 'yes' });
    await expect(answer).rejects.toMatchObject({ code: 'PAWL_INVALID' });
    // Sent by somebody who does not know the workflow, it is refused where it is taken.
    await pawl.run('r').answer('wait:approval:c1', { ok: 'yes' });
    await run.answer('wait:approval:c1', { ok: true });
    await run.answer('wait:approval:c2', { ok: true });
    expect(await run.result()).toEqual([true, true]);
  });

  test('who was first is told also when the run has taken the answer meanwhile', async () => {
    const { pawl, store } = memoryPawl();
    const run = await pawl.start(calls, undefined, { id: 'r' });
    const first = pawl.worker({ workflows: [calls] });
    await parked(pawl, 'r');
    await first.close();
    await run.answer('wait:approval:c1', { ok: true }, { actor: 'ada' });
    const plain = store.readInbox.bind(store);
    store.readInbox = async (id) => {
      store.readInbox = plain;
      pawl.worker({ workflows: [calls] });
      await expect.poll(async () => (await plain(id)).messages).toEqual([]);
      return plain(id);
    };
    const late = run.answer('wait:approval:c1', { ok: false }, { actor: 'bob' });
    await expect(late).rejects.toMatchObject({ code: 'PAWL_ANSWERED', by: 'ada' });
    await run.answer('wait:approval:c2', { ok: false });
    expect(await run.result()).toEqual([true, false]);
    await pawl.close();
  });

  test('the same id again is the same answer', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(calls, undefined, { id: 'r' });
    const worker = pawl.worker({ workflows: [calls] });
    await parked(pawl, 'r');
    await worker.close();
    for (let i = 0; i < 2; i++) {
      await run.answer('wait:approval:c1', { ok: true }, { id: 'click' });
    }
    // Nobody has looked at it yet, and the other wait may be answered all the same.
    await run.answer('wait:approval:c2', { ok: false });
    pawl.worker({ workflows: [calls] });
    expect(await run.result()).toEqual([true, false]);
  });

  test('a wait for several signals is told which one it is', async () => {
    await using pawl = memoryPawl().pawl;
    const several = defineWorkflow({
      name: 'several',
      signals: { yes: z.null(), no: z.object({ why: z.string() }) },
      run: (ctx) => ctx.waitForAny(['yes', 'no'], { as: 'decided', label: 'Yes or no?' }),
    });
    pawl.worker({ workflows: [several] });
    const run = await pawl.start(several, undefined, { id: 'r' });
    await parked(pawl, 'r');
    await expect(run.answer('decided', null)).rejects.toThrow(
      'one that "decided" waits for: yes, no',
    );
    await run.answer('decided', { why: 'late' }, { signal: 'no' });
    expect(await run.result()).toEqual({ name: 'no', payload: { why: 'late' } });
  });

  test('of a wait for all of several, each is answered once', async () => {
    await using pawl = memoryPawl().pawl;
    const both = defineWorkflow({
      name: 'both',
      signals: { legal: z.boolean(), money: z.boolean() },
      run: (ctx) => ctx.waitForAll(['legal', 'money'], { as: 'signed' }),
    });
    pawl.worker({ workflows: [both] });
    const run = await pawl.start(both, undefined, { id: 'r' });
    await parked(pawl, 'r');
    await run.answer('signed', true, { signal: 'legal' });
    await expect
      .poll(async () => (await run.info()).waits[0]?.on, { timeout: 5_000 })
      .toEqual(['money']);
    await expect(run.answer('signed', false, { signal: 'legal' })).rejects.toThrow('money');
    await run.answer('signed', true);
    expect(await run.result()).toEqual({ legal: true, money: true });
  });

  test('a run that stays at work is given time, and then says that nothing was written', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(calls, undefined, { id: 'r' });
    const answer = run.answer('wait:approval:c1', { ok: true }, { timeoutMs: 30 });
    await expect(answer).rejects.toMatchObject({ code: 'PAWL_TIMEOUT', retryable: true });
    const patient = run.answer('wait:approval:c1', { ok: true });
    pawl.worker({ workflows: [calls] });
    await patient;
    await run.answer('wait:approval:c2', { ok: true });
    expect(await run.result()).toEqual([true, true]);
    await expect(pawl.run('none').answer('wait', 1)).rejects.toMatchObject({
      code: 'PAWL_RUN_NOT_FOUND',
    });
    await expect(run.answer('wait', 1, { by: 'ada' } as never)).rejects.toThrow('by');
  });
});
