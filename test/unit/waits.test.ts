// Goal: what a run waits for is shown to people as it is stored, found by its name, and refused where no store wrote it.
// Method: runs parked in memory, exported and taken in again, and waits that somebody has made up.
import { expect, test } from 'vitest';
import { defineWorkflow, type ListOptions } from 'pawl';
import { serveDashboard } from 'pawl/dashboard';
import type { Wait } from '../../src/core/store.ts';
import { indexedBy, readWaits, waitsKept, waitIndex, wants } from '../../src/core/waits.ts';
import { encodeError } from '../../src/engine/payloads.ts';
import { waitText } from '../../src/core/waits.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { claimed, committed, parking } from '../../src/testing/run-store/opened.ts';
import { ask } from '../support/pages.ts';
import { memoryPawl } from '../support/memory.ts';

const since = Date.UTC(2026, 0, 31);
const until = since + 60_000;
const every: readonly Wait[] = [
  { kind: 'timer', name: 'cool down', until, since },
  { kind: 'signal', name: 'approval', on: ['approved', 'refused'], since },
  { kind: 'child', name: 'child:kid', on: ['order.kid'], since },
  { kind: 'retry', name: 'charge', until, since },
  { kind: 'retry', name: '', since },
  { kind: 'delay', name: '', until, since },
  { kind: 'decision', name: 'pay', on: ['pay'], since },
];
const order = defineWorkflow({ name: 'order', run: () => Promise.resolve() });

async function parkedPawl() {
  const { pawl, store } = memoryPawl();
  await pawl.start(order, undefined, { id: 'parked' });
  const { ownership } = await claimed(store, 'parked');
  await committed(store, ownership, { release: parking({ waits: every, wakeMs: 60_000 }) });
  return { pawl, store };
}

test('a run tells what it waits for, with times as dates', async () => {
  const { pawl } = await parkedPawl();
  const info = await pawl.run('parked').info();
  const dates = every.map(({ until: end, since: begin, ...wait }) => ({
    ...wait,
    since: new Date(begin),
    ...(end === undefined ? {} : { until: new Date(end) }),
  }));
  expect(info.waits).toEqual(dates);
  expect((await pawl.list()).runs[0]?.waits).toEqual(dates);
  expect(Object.keys(info)).not.toContain('birth');
  await pawl.close();
});

test('lists find it by signal, by decision and by kind, and refuse what is no name', async () => {
  const { pawl } = await parkedPawl();
  const found = async (waitsFor: string): Promise<number> =>
    (await pawl.list({ waitsFor })).runs.length;
  for (const name of ['approved', 'effect pay', 'kind:timer', 'kind:delay']) {
    expect(await found(name), name).toBe(1);
  }
  for (const name of ['approve', 'effect payment', 'order.kid']) {
    expect(await found(name), name).toBe(0);
  }
  for (const waitsFor of ['', 'kind:', 'kind:timers', 'two words', 'a\nb', '*', 7]) {
    const options = { waitsFor } as ListOptions;
    await expect(pawl.list(options), String(waitsFor)).rejects.toMatchObject({
      code: 'PAWL_INVALID',
    });
  }
  await pawl.close();
});

test('its page shows what it waits for, and nothing hostile', async () => {
  const { pawl, store } = memoryPawl();
  await pawl.start(order, undefined, { id: 'shown' });
  const { ownership } = await claimed(store, 'shown');
  const nasty: Wait = { kind: 'timer', name: '<img src=x>\u202e', until, since };
  await committed(store, ownership, { release: parking({ waits: [...every, nasty] }) });
  const served = await serveDashboard(pawl, { port: 0 });
  const { status, text } = await ask(`${served.url.replace(/\/$/, '')}/runs/shown`);
  expect(status).toBe(200);
  expect(text).toContain('Waits for');
  expect(text).toContain('signal approved, refused');
  expect(text).toMatch(/href="[^"]*\/runs\/order\.kid"/);
  expect(text).not.toMatch(/<img src=x>|\u202e/);
  await served.close();
  await pawl.close();
});

test('each kind is said in words', () => {
  expect(every.map(waitText)).toEqual([
    'time to pass (cool down)',
    'signal approved, refused',
    'child run order.kid',
    'another attempt of charge',
    'another attempt',
    'its start',
    'a decision about pay',
  ]);
});

test('what a run waits for, who it is and what it owes moves with it', async () => {
  const { pawl: from, store } = await parkedPawl();
  const sent = { id: 'm1', kind: 'child', name: 'order.kid', data: new Uint8Array([1]) } as const;
  await store.post({ run: 'parked', ...sent });
  await from.start(order, undefined, { id: 'failed' });
  const { ownership } = await claimed(store, 'failed', { codeVersion: 7 });
  const error = encodeError(new Error('no'));
  const release = { status: 'failed', error, keepMs: 60_000, cancelsChildren: true } as const;
  await committed(store, ownership, { release });
  const lines: string[] = [];
  for await (const line of from.export()) lines.push(line);
  const { pawl: to, store: there } = memoryPawl();
  await to.import(lines);
  for (const run of ['parked', 'failed']) {
    const [before, after] = await Promise.all([store.record(run), there.record(run)]);
    const { waits, birth, wroteVersion, status } = before ?? {};
    expect(after).toMatchObject({ waits, birth, wroteVersion, status });
  }
  expect(await there.transfer.export('parked')).toMatchObject({ woken: true });
  expect(await there.transfer.export('failed')).toMatchObject({
    cancelPending: true,
    woken: false,
  });
  const due = await there.fleet.due({ limit: 10, resendMs: 1000 });
  expect(
    new Map(due.map(({ run, asleep, cancelPending }) => [run, [asleep, cancelPending]])),
  ).toEqual(
    new Map([
      ['failed', [false, true]],
      ['parked', [false, false]],
    ]),
  );
  expect((await to.list({ waitsFor: 'approved' })).runs.length).toBe(1);
  await Promise.all([from.close(), to.close()]);
});

test('a parked parent that moves is looked at, for its child may have stayed', async () => {
  const { pawl: from } = await parkedPawl();
  const lines: string[] = [];
  for await (const line of from.export()) lines.push(line);
  let now = Date.now();
  const store = new MemoryRunStore({ clock: { now: () => now } });
  const { pawl: to } = memoryPawl({ store });
  await to.import(
    lines.map((line) => line.replace(/"wakeAt":"[^"]*",/, '').replace(/,"sha256":"\w+"/, '')),
  );
  expect((await store.record('parked'))?.wakeAt).toBe(undefined);
  expect(await store.fleet.due({ limit: 10, resendMs: 1000 })).toEqual([]);
  now += 61_000;
  expect(await store.fleet.due({ limit: 10, resendMs: 1000 })).toMatchObject([
    { run: 'parked', asleep: true },
  ]);
  await Promise.all([from.close(), to.close()]);
});

test('a run of before says nothing of what it waits for, and wants whatever comes', async () => {
  const { pawl: from, store } = await parkedPawl();
  const sent = {
    id: 'm1',
    kind: 'signal',
    name: 'other',
    data: new Uint8Array([1, 0xc0]),
  } as const;
  await store.post({ run: 'parked', ...sent });
  const lines: string[] = [];
  for await (const line of from.export()) lines.push(line);
  // As an older pawl has written them.
  const older = lines.map((line) => {
    const {
      waits: _,
      woken: __,
      birth: ___,
      wroteVersion: ____,
      sha256: _____,
      ...rest
    } = JSON.parse(line) as Record<string, unknown>;
    return JSON.stringify(rest);
  });
  const { pawl: to, store: there } = memoryPawl();
  await to.import(older);
  const record = await there.record('parked');
  expect(record).toMatchObject({ waits: [], wroteVersion: 1 });
  expect(record?.birth.length).toBeGreaterThan(10);
  expect((await claimed(there, 'parked')).messages.length).toBe(1);
  await Promise.all([from.close(), to.close()]);
});

test.each<[string, unknown]>([
  ['no list', {}],
  ['nothing', null],
  ['a kind that is none', [{ ...every[0], kind: 'other' }]],
  ['a name that is no text', [{ ...every[0], name: 7 }]],
  ['a name with two lines', [{ ...every[1], on: ['a\nb'] }]],
  ['no time', [{ ...every[0], since: 'yesterday' }]],
  ['a time that no date can hold', [{ ...every[0], until: 9e15 }]],
  ['more than a wait has', [{ ...every[0], more: 1 }]],
])('waits that hold %s are refused', (_, waits) => {
  expect(() => readWaits(waits)).toThrow(TypeError);
});

test('waits are wanted and indexed by all that they name, and by no more', () => {
  expect(readWaits(every)).toEqual(every);
  expect(indexedBy(every)).toEqual([
    'timer',
    'signal',
    'child',
    'retry',
    'delay',
    'decision',
    'signal:approved',
    'signal:refused',
    'signal:effect pay',
  ]);
  expect(waitIndex('kind:timer')).toBe('timer');
  expect(waitIndex('timer')).toBe('signal:timer');
  const many = Array.from(
    { length: waitsKept },
    (_, i) => ({ ...every[2], on: [`k${i}`] }) as Wait,
  );
  const stranger = { kind: 'child', name: 'stranger' } as const;
  expect(wants(many, stranger)).toBe(true);
  expect(wants(many.slice(1), stranger)).toBe(false);
  const names = Array.from({ length: waitsKept + 1 }, (_, i) => `s${i}`);
  const broad: Wait = { kind: 'signal', name: 'any', on: names, since };
  expect(wants([broad], stranger)).toBe(true);
  expect(indexedBy([broad]).length).toBe(waitsKept + 1);
});
