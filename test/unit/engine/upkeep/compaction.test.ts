// Goal: a run whose log was compacted goes on, and says plainly what cannot be told of it any more. Method: the memory
// store; the past is looked at from every side.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import type { Pawl, RunEvent, RunHandle } from 'pawl';
import { z } from 'zod';
import { settingsOf } from '../../../../src/engine/worker/settings.ts';
import { detectRewind } from '../../../../src/engine/execution/rewind.ts';
import { systemClock } from '../../../../src/engine/system-clock.ts';
import { EventReader } from '../../../../src/engine/runs/event-reader.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { committed, event as stored, held } from '../../../../src/testing/run-store/opened.ts';
import { memoryPawl } from '../../../support/memory.ts';

const collecting = defineWorkflow({
  name: 'collecting',
  state: z.object({ seen: z.array(z.number()).default([]) }),
  signals: { go: z.object({}) },
  async run(ctx) {
    for (let i = ctx.state.seen.length; i < 5; i++) {
      const value = await ctx.step(`read:${i}`, () => i * i);
      await ctx.set({ seen: [...ctx.state.seen, value] });
    }
    await ctx.checkpoint({ label: 'read' });
    await ctx.step('behind', () => 'yes');
    if (ctx.state.seen.length < 6) await ctx.set({ seen: [...ctx.state.seen, 99] });
    await ctx.waitFor('go');
    await ctx.checkpoint({ label: 'told' });
    await ctx.step('last', () => 1);
    return ctx.state.seen;
  },
});

/** A run that waits, with a checkpoint at `kept` and some events behind it. */
async function waiting(pawl: Pawl): Promise<RunHandle> {
  pawl.worker({ workflows: [collecting] });
  const run = await pawl.start(collecting, undefined, { id: 'compacted' });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  return run;
}

async function readTo(run: RunHandle, last: number, after = 0): Promise<RunEvent[]> {
  const found: RunEvent[] = [];
  if (after >= last) return found;
  for await (const event of run.events({ after })) {
    found.push(event);
    if (event.seq >= last) break;
  }
  return found;
}

test('the run goes on, and its events are listed from where its log begins', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const run = await waiting(pawl);
  const { seq } = await run.info();
  const before = await readTo(run, seq);
  const [{ seq: kept } = { seq: 0 }] = await run.checkpoints();
  const { firstSeq, dropped } = await pawl.compact(run.id);
  expect([firstSeq, dropped]).toEqual([kept + 1, kept]);
  expect(await readTo(run, seq)).toEqual(before.filter((event) => event.seq > kept));
  expect(await pawl.compact(run.id)).toEqual({ firstSeq, dropped: 0 });
  await run.signal('go', {});
  expect(await run.result()).toEqual([0, 1, 4, 9, 16, 99]);
  const again = await pawl.compact(run.id, { upTo: firstSeq });
  expect(again).toEqual({ firstSeq: firstSeq + 1, dropped: 1 });
});

test('what lies before is told in one clear error; what a checkpoint holds is still there', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const run = await waiting(pawl);
  const { seq } = await run.info();
  const [checkpoint] = await run.checkpoints();
  const kept = checkpoint?.seq ?? 0;
  const before = await run.state({ seq });
  // A later snapshot, so that the cut is behind the first checkpoint.
  await run.signal('go', {});
  await run.result();
  await pawl.compact(run.id);
  const forgotten = { code: 'PAWL_FORGOTTEN', run: run.id };
  await expect(run.state({ seq: kept - 1 })).rejects.toMatchObject(forgotten);
  await expect(run.state({ seq: kept + 1 })).rejects.toMatchObject(forgotten);
  const fork = (point: Parameters<Pawl['fork']>[2]) => pawl.fork(collecting, run.id, point);
  await expect(fork({ seq: kept - 1 })).rejects.toMatchObject(forgotten);
  await expect(fork({ step: 'behind' })).rejects.toMatchObject(forgotten);
  await expect(run.state({ seq: 10_000 })).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  expect(await run.checkpoint(checkpoint?.id ?? '')).toEqual({ seen: [0, 1, 4, 9, 16] });
  expect(await run.state({ seq: kept })).toEqual({ seen: [0, 1, 4, 9, 16] });
  expect(await run.state()).toEqual(before);
  const forked = await fork({ checkpoint: checkpoint?.id ?? '' });
  await forked.signal('go', {});
  expect(await forked.result()).toEqual([0, 1, 4, 9, 16, 99]);
});

test('an export says where the log begins, and can be rehearsed', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const run = await waiting(pawl);
  const { firstSeq } = await pawl.compact(run.id);
  const lines: string[] = [];
  for await (const line of pawl.export(run.id)) lines.push(line);
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(parsed.find(({ kind }) => kind === 'run')?.['firstSeq']).toBe(firstSeq);
  const seqs = parsed.filter(({ kind }) => kind === 'event').map((event) => event['seq']);
  expect(seqs[0]).toBe(firstSeq);
  expect(await pawl.rehearse([collecting], { from: lines })).toMatchObject({
    checked: 1,
    problems: [],
  });
});

test('compaction by a rule leaves the runs, and is told in events', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const run = await waiting(pawl);
  await run.signal('go', {});
  await run.result();
  const rules = [{ action: 'compact', status: ['completed'] } as const];
  const said = await pawl.retain({ rules }, { dryRun: true });
  const done = await pawl.retain({ rules });
  expect(done.runs).toEqual(said.runs.map((one) => ({ ...one, outcome: 'done' })));
  expect(done.runs[0]?.dropped).toBeGreaterThan(10);
  expect((await pawl.retain({ rules })).runs).toEqual([]);
  await expect(pawl.compact('none')).rejects.toMatchObject({ code: 'PAWL_RUN_NOT_FOUND' });
  await expect(pawl.compact(run.id, { upTo: -1 })).rejects.toMatchObject({ code: 'PAWL_INVALID' });
});

test('a reader whose last event was dropped goes on where the log begins', async () => {
  const store = new MemoryRunStore();
  const { id, ownership } = await held(store);
  const reader = new EventReader(store, id, 0);
  await committed(store, ownership, { events: [stored('three')] });
  expect((await reader.page()).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  const snapshot = { schema: 1, set: new Map(), remove: [] };
  const events = [stored('four'), stored('five')];
  await committed(store, ownership, { expectedSeq: 3, events, snapshot });
  await store.archive.compact({ run: id, limit: 100 });
  // Under the same fence as what it has read, so that only the seq tells them from it.
  expect((await reader.page()).map(({ seq }) => seq)).toEqual([5]);
  expect(await reader.page()).toEqual([]);
});

test('a fenced owner does not take compacted events for lost ones', async () => {
  const { pawl, store } = memoryPawl();
  await using _ = pawl;
  const run = await waiting(pawl);
  await run.signal('go', {});
  await run.result();
  await pawl.compact(run.id);
  const errors: unknown[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (...said: unknown[]) => errors.push(said),
  };
  const services = {
    store,
    logger,
    worker: 'zombie',
    clock: systemClock,
    newToken: () => 'token',
    settings: settingsOf({ workflows: [] }),
  };
  const ownership = { run: run.id, fence: 1, owner: 'old' };
  const remembered = { codeVersion: 1, effects: [], bookkeeping: new Map() };
  await detectRewind(services, { ownership, ...remembered }, 3);
  expect(errors).toEqual([]);
});
