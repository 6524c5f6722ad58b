// Goal: what was exported comes in whole or not at all, and goes on. Method: memory stores, and lines that were changed.
import { describe, expect, test } from 'vitest';
import { type Pawl, PawlError } from 'pawl';
import { memoryPawl } from '../../../support/memory.ts';
import {
  changed,
  compactedBytes,
  helper,
  leading,
  linesOf,
  moved,
  reading,
  readSome,
  untilStatus,
} from '../../../support/moving.ts';

const ids = ['waiting', 'ended', 'cancelled', 'queued'];

async function exported(): Promise<{ readonly lines: string[]; readonly from: Pawl }> {
  const from = memoryPawl().pawl;
  await readSome(from);
  return { from, lines: await linesOf(from.export()) };
}

const one = (lines: readonly string[], id: string): string[] => [
  lines[0] ?? '',
  ...lines.filter((line) => line.includes(`"run":"${id}"`) || line.includes(`"run","id":"${id}"`)),
  '{"kind":"complete","runs":1}',
];

async function fails(pawl: Pawl, lines: readonly string[]): Promise<string> {
  const error: unknown = await pawl.import(lines).catch((thrown: unknown) => thrown);
  if (!PawlError.is(error)) throw new Error(`not typed: ${String(error)}`, { cause: error });
  return `${error.code} ${error.message}`;
}

test('runs come in with everything they had: a second export is the same bytes', async () => {
  const { lines, from } = await exported();
  await using to = memoryPawl().pawl;
  const told: unknown[] = [];
  const report = await to.import(lines, { onProgress: (progress) => told.push(progress) });
  const events = lines.filter((line) => line.includes('"kind":"event"')).length;
  expect(report).toEqual({ runs: 4, skipped: 0, events, checkpoints: 6 });
  expect(told.at(-1)).toMatchObject({ ...report, lines: lines.length - 1 });
  expect(await linesOf(to.export())).toEqual(lines);
  for (const id of ids) {
    const handles = await from.run(id).checkpoints();
    expect(handles).toHaveLength(id === 'queued' ? 0 : 2);
    for (const { id: handle } of handles) {
      const here = await to.run(reading, id).checkpoint(handle);
      expect(here).toEqual(await from.run(reading, id).checkpoint(handle));
    }
  }
  await from.close();
});

test('a file of several exports, with empty lines and a withdrawn run, comes in', async () => {
  const { lines, from } = await exported();
  await using to = memoryPawl().pawl;
  const ended = one(lines, 'ended');
  const half = one(lines, 'waiting').slice(1, 5);
  const withdrawn = [...half, '{"kind":"withdrawn","run":"waiting"}'];
  const all = [
    ...ended.slice(0, -1),
    ...withdrawn,
    ended.at(-1) ?? '',
    '',
    ...one(lines, 'queued'),
  ];
  expect(await to.import(all)).toMatchObject({ runs: 2 });
  expect((await to.list()).runs.map(({ id }) => id).toSorted()).toEqual(['ended', 'queued']);
  await from.close();
});

test('imported runs go on where they were', async () => {
  const { lines, from } = await exported();
  await using to = memoryPawl().pawl;
  await to.import(lines);
  to.worker({ workflows: moved });
  expect(await to.run(reading, 'waiting').result()).toEqual({
    by: 'kim',
    at: new Date(1),
    size: 7n,
  });
  await untilStatus(to, 'queued', 'waiting');
  await to.run(reading, 'queued').signal('go', { by: 'lee' });
  expect(await to.run(reading, 'queued').result()).toMatchObject({ by: 'lee' });
  expect(await to.run(reading, 'ended').result()).toMatchObject({ by: 'kim' });
  await from.close();
});

test('a run that takes more room here than it was counted at never counts less than nothing', async () => {
  const { lines, from } = await exported();
  const longest = 'k'.repeat(32);
  const encryption = { keys: { [longest]: new Uint8Array(32).fill(7) }, current: longest };
  await using to = memoryPawl({ encryption }).pawl;
  await to.import(lines);
  for (const id of ['ended', 'waiting']) expect(await compactedBytes(to, id)).toBe(0);
  const { bytes } = await from.run('ended').info();
  expect(await compactedBytes(from, 'ended')).toBeGreaterThan(0);
  expect((await from.run('ended').info()).bytes).toBeLessThan(bytes);
  // What comes behind counts from there, and the run can be moved on.
  to.worker({ workflows: moved });
  await to.run(reading, 'waiting').result();
  expect((await to.run('waiting').info()).bytes).toBeGreaterThan(0);
  await using next = memoryPawl().pawl;
  expect(await next.import(await linesOf(to.export()))).toMatchObject({ runs: 4 });
  await from.close();
});

test('a run that was at work comes in as interrupted, and nothing else of it differs', async () => {
  const { lines, from } = await exported();
  // Whoever works waits for nothing.
  const atWork = changed(one(lines, 'waiting'), ({ id, woken: _, waits: __, ...line }) =>
    line['kind'] === 'run'
      ? { kind: 'run', id, ...line, status: 'running', worker: 'w1' }
      : { ...line, ...(id === undefined ? {} : { id }) },
  );
  await using to = memoryPawl().pawl;
  await to.import(atWork);
  const again = await linesOf(to.export('waiting'));
  const parsed = (all: readonly string[]): Record<string, unknown>[] =>
    all.map((line) => JSON.parse(line) as Record<string, unknown>);
  const { status, worker, ...rest } = parsed(again)[1] ?? {};
  expect([status, worker]).toEqual(['interrupted', undefined]);
  const before = parsed(atWork)[1] ?? {};
  expect(before).toEqual({ ...rest, status: 'running', worker: 'w1' });
  expect(parsed(again).slice(2, -2)).toEqual(parsed(atWork).slice(2, -2));
  to.worker({ workflows: moved });
  expect(await to.run(reading, 'waiting').result()).toMatchObject({ by: 'kim' });
  const fences = (await linesOf(to.export('waiting'))).map((l) => Number(JSON.parse(l).fence ?? 0));
  expect((await to.run('waiting').info()).status).toBe('completed');
  expect(Math.max(...fences)).toBeGreaterThan(Number(before['fence']));
  await from.close();
});

test('a run that is there is refused or passed over, and never changed', async () => {
  const { lines, from } = await exported();
  await using to = memoryPawl().pawl;
  await to.start(helper, { wait: true }, { id: 'ended' });
  const before = await linesOf(to.export('ended'));
  expect(await fails(to, one(lines, 'ended'))).toMatch(
    /^PAWL_RUN_EXISTS line 2: there is a run ended/,
  );
  expect(await to.import(lines, { ifExists: 'skip' })).toMatchObject({ runs: 3, skipped: 1 });
  expect(await linesOf(to.export('ended'))).toEqual(before);
  expect(await to.import(lines, { ifExists: 'skip' })).toEqual({
    runs: 0,
    skipped: 4,
    events: 0,
    checkpoints: 0,
  });
  await from.close();
});

test('a parent that comes after its ended child hears of its end', async () => {
  await using from = memoryPawl().pawl;
  const worker = from.worker({ workflows: moved });
  await from.start(leading, { wait: true }, { id: 'p' });
  await untilStatus(from, 'p.helper', 'waiting');
  await untilStatus(from, 'p', 'waiting');
  const parent = await linesOf(from.export('p'));
  await from.run(helper, 'p.helper').signal('go', undefined);
  expect(await from.run('p').result()).toEqual({ child: 'helped' });
  const child = await linesOf(from.export('p.helper'));
  await worker.close();
  for (const file of [
    [...child, ...parent],
    [...parent, ...child],
  ]) {
    await using to = memoryPawl().pawl;
    await to.import(file);
    to.worker({ workflows: moved });
    expect(await to.run('p').result({ timeoutMs: 20_000 })).toEqual({ child: 'helped' });
    expect(await linesOf(to.export('p.helper'))).toEqual(child);
  }
});

describe('a family that is imported apart', () => {
  /** The lines of a parent that waits for its child, and those of the child, which waits too. */
  async function family(): Promise<{ readonly parent: string[]; readonly child: string[] }> {
    await using from = memoryPawl().pawl;
    const worker = from.worker({ workflows: moved });
    await from.start(leading, { wait: true }, { id: 'p' });
    await untilStatus(from, 'p.helper', 'waiting');
    await untilStatus(from, 'p', 'waiting');
    await worker.close();
    const [parent, child] = [
      await linesOf(from.export('p')),
      await linesOf(from.export('p.helper')),
    ];
    return { parent, child };
  }

  test('a parent waits, until its child is here and ends', async () => {
    const { parent, child } = await family();
    await using to = memoryPawl().pawl;
    to.worker({ workflows: moved });
    await to.import(parent);
    await expect(to.run('p').result({ timeoutMs: 100 })).rejects.toThrow();
    await to.import(child);
    await to.run(helper, 'p.helper').signal('go', undefined);
    expect(await to.run('p').result({ timeoutMs: 20_000 })).toEqual({ child: 'helped' });
  });

  test('a child ends alone; a parent that comes later looks for its end', async () => {
    const { parent, child } = await family();
    await using to = memoryPawl().pawl;
    to.worker({ workflows: moved });
    await to.import(child);
    await to.run(helper, 'p.helper').signal('go', undefined);
    await to.run('p.helper').result({ timeoutMs: 20_000 });
    await to.import(parent);
    expect(await to.run('p').result({ timeoutMs: 20_000 })).toEqual({ child: 'helped' });
  });
});

const wrong: readonly [name: string, edit: (lines: string[]) => string[], problem: RegExp][] = [
  ['nothing', () => [], /the file is empty/],
  ['a file without its first line', (all) => all.slice(1), /line 1 is not the first/],
  ['a file that was cut off', (all) => all.slice(0, -2), /has no end, the export was cut off/],
  ['half a line', (all) => [...all.slice(0, 5), all[5]?.slice(0, 9) ?? ''], /line 6 is not JSON/],
  [
    'another version',
    (all) => ['{"kind":"pawl-export","version":9}', ...all.slice(1)],
    /version 9/,
  ],
  ['a missing event', (all) => all.toSpliced(5, 1), /line 6 needs a whole number from/],
  ['a line that comes twice', (all) => all.toSpliced(5, 0, all[5] ?? ''), /line 7 needs/],
  ['another sum', (all) => all.map((l) => l.replace('"words":10', '"words":11')), /SHA-256/],
  [
    'an event from behind the record',
    (all) => changed(all, (l) => (l['kind'] === 'run' ? { ...l, seq: 9 } : l)),
    /line \d+ (needs|ends)/,
  ],
  [
    'a fence above that of the record',
    (all) => changed(all, (l) => (l['seq'] === 3 ? { ...l, fence: 2 ** 52 } : l)),
    /line \d+ needs a whole number from 0 to \d+ as fence/,
  ],
  [
    'no snapshot',
    (all) => changed(all, (l) => (l['kind'] === 'snapshot' ? undefined : l)),
    /of a run without snapshot/,
  ],
  [
    'an unknown field',
    (all) => changed(all, (l) => (l['kind'] === 'run' ? { ...l, owner: 'x' } : l)),
    /line 2 has a field "owner"/,
  ],
  [
    'a run id that is none',
    (all) => changed(all, (l) => (l['kind'] === 'run' ? { ...l, id: 'a b' } : l)),
    /line 2 has no usable field "id"/,
  ],
];

test.each(wrong)('%s is refused with its line, and nothing comes in', async (_, edit, problem) => {
  const { lines, from } = await exported();
  await using to = memoryPawl().pawl;
  expect(await fails(to, edit(one(lines, 'ended')))).toMatch(problem);
  expect((await to.list()).runs).toEqual([]);
  await from.close();
});

test('of a file without its last line the whole runs come in, and it is said that there were more', async () => {
  const { lines, from } = await exported();
  await using to = memoryPawl().pawl;
  expect(await fails(to, one(lines, 'ended').slice(0, -1))).toMatch(/was cut off. Runs before it/);
  expect((await to.list()).runs.map(({ id }) => id)).toEqual(['ended']);
  await from.close();
});
