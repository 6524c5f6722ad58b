// Goal: whatever a crash leaves in the folder of a run loads, and is put in order by the next claim. Method: the folder is
// brought into the state of each moment by hand, because a kill cannot be aimed that well.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunEvent } from 'pawl';
import { FileCheckpointer } from 'pawl/file';
import { isAlive, thisProcess } from '../../../src/file/process-identity.ts';
import { fromTagged, toTagged } from '../../../src/core/tagged-json.ts';

const run = 'run-1';
let folder = '';
let checkpointer: FileCheckpointer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-file-'));
  checkpointer = await FileCheckpointer.open({ folder });
});

afterEach(() => rm(folder, { recursive: true }));

const path = (...names: string[]): string => join(folder, run, ...names);

async function log(): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of checkpointer.listEvents(run)) events.push(event);
  return events;
}

async function lines(): Promise<string[]> {
  return (await readFile(path('events.jsonl'), 'utf8')).trimEnd().split('\n');
}

/** The identity of a process that has ended. */
async function deadProcess(): Promise<string> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  const host = thisProcess.split('.').at(-1) ?? '';
  return `${child.pid}.1.${host}`;
}

test('people can read what is stored', async () => {
  const claim = await checkpointer.claim(run, { worker: 'me' });
  await claim.saveEvent({ type: 'page.read', data: { page: 1, at: new Date(0) } });
  await claim.saveSnapshot({ pages: ['one'] }, { checkpoint: { node: 'read', label: 'first' } });
  const line: unknown = JSON.parse((await lines())[2] ?? '');
  expect(line).toMatchObject({
    seq: 3,
    type: 'page.read',
    data: { page: 1, at: { $date: '1970-01-01T00:00:00.000Z' } },
  });
  for (const file of [path('snapshot.json'), path('checkpoints', '1-0.json')]) {
    expect(await readFile(file, 'utf8')).toContain('\n  "state": {\n    "pages": [');
  }
});

// Hundreds of claims, each of which waits for the disk.
test(
  'a save that was torn at any byte is cut off by the next claim, with a note',
  { timeout: 300_000 },
  async () => {
    const claim = await checkpointer.claim(run);
    await claim.saveSnapshot({ n: 1 });
    await claim.saveEvent({ type: 'kept' });
    const whole = await readFile(path('events.jsonl'));
    await claim.saveEvents([{ type: 'a' }, { type: 'b', data: 'ü' }, { type: 'c' }]);
    const { length } = await readFile(path('events.jsonl'));
    await cp(path(), join(folder, '.saved'), { recursive: true });
    for (let bytes = whole.length; bytes < length; bytes++) {
      await rm(path(), { recursive: true });
      await cp(join(folder, '.saved'), path(), { recursive: true });
      await truncate(path('events.jsonl'), bytes);
      const types = ['run.created', 'run.claimed', 'kept'];
      expect((await log()).map(({ type }) => type)).toEqual(types);
      expect((await checkpointer.loadLatest(run))?.events.map(({ type }) => type)).toEqual([
        'kept',
      ]);
      const next = await checkpointer.claim(run);
      expect(await next.saveEvent({ type: 'more' })).toBe(5);
      const events = await log();
      expect(events.map(({ type }) => type)).toEqual([...types, 'run.claimed', 'more']);
      const cut = bytes === whole.length ? undefined : { bytes: bytes - whole.length };
      if (cut === undefined) expect(events[3]?.data).not.toHaveProperty('cut');
      else expect(events[3]?.data).toMatchObject({ cut });
    }
  },
);

test('a line in the middle that cannot be read is named by file and number', async () => {
  const claim = await checkpointer.claim(run);
  await claim.saveEvents([{ type: 'a' }, { type: 'b' }, { type: 'c' }]);
  const good = await lines();
  const damage: readonly (readonly [number, (line: string) => string])[] = [
    [4, (line) => line.slice(5)],
    [2, () => ''],
    [3, (line) => line.replace('"seq":3', '"seq":4')],
    [
      5,
      (line) => line.replace('"data":{', '"data":{"$unknown":1,').replace(',"$undefined":true', ''),
    ],
  ];
  for (const [number, change] of damage) {
    const bad = good.map((line, i) => (i === number - 1 ? change(line) : line));
    await writeFile(path('events.jsonl'), `${bad.join('\n')}\n`);
    const calls = [log, () => checkpointer.claim(run), () => checkpointer.loadLatest(run)];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: 'PAWL_CORRUPT',
        message: expect.stringContaining(`${path('events.jsonl')}, line ${number}`) as string,
      });
    }
  }
});

test('the number of a line is right behind a snapshot, too', async () => {
  const claim = await checkpointer.claim(run);
  await claim.saveEvents([{ type: 'a' }, { type: 'b' }]);
  await claim.saveSnapshot({ n: 1 });
  await appendFile(path('events.jsonl'), 'rubbish\n');
  await expect(checkpointer.claim(run)).rejects.toMatchObject({
    message: expect.stringContaining('line 5 ') as string,
  });
});

test('a kept snapshot whose mark is not in the log was never acknowledged: it is removed', async () => {
  const claim = await checkpointer.claim(run);
  await claim.saveSnapshot({ n: 1 });
  const before = await readFile(path('events.jsonl'));
  const snapshot = await readFile(path('snapshot.json'));
  await claim.saveSnapshot({ n: 2 }, { checkpoint: {} });
  await writeFile(path('events.jsonl'), before);
  await writeFile(path('snapshot.json'), snapshot);
  expect(await checkpointer.checkpoints(run)).toEqual([]);
  const next = await checkpointer.claim(run);
  expect(next).toMatchObject({ state: { n: 1 }, version: 1 });
  expect(await readdir(path('checkpoints'))).toEqual([]);
});

test('a kept snapshot whose mark is in the log becomes the snapshot', async () => {
  const claim = await checkpointer.claim(run);
  await claim.saveSnapshot({ n: 1 });
  const snapshot = await readFile(path('snapshot.json'));
  await claim.saveSnapshot({ n: 2 }, { checkpoint: { label: 'two' } });
  await writeFile(path('snapshot.json'), snapshot);
  const next = await checkpointer.claim(run);
  expect(next).toMatchObject({ state: { n: 2 }, version: 2, events: [] });
  expect(await checkpointer.latestCheckpoint(run)).toMatchObject({ label: 'two', version: 2 });
  expect((await next.saveSnapshot({ n: 3 })).version).toBe(3);
});

test('a run whose end is in the log has ended', async () => {
  const claim = await checkpointer.claim(run);
  const holding = await readFile(path('claim.json'));
  await claim.finish({ pages: 3 });
  await writeFile(path('claim.json'), holding);
  await expect(checkpointer.claim(run)).rejects.toMatchObject({ code: 'PAWL_RUN_ENDED' });
  expect(await checkpointer.info(run)).toMatchObject({ status: 'completed', output: { pages: 3 } });
});

test('what was prepared and never put in place is not read', async () => {
  const claim = await checkpointer.claim(run);
  await claim.saveSnapshot({ n: 1 }, { checkpoint: {} });
  await writeFile(path('.snapshot.json.part'), '{"version": 2, "st');
  await writeFile(path('checkpoints', '.2-0.json.part'), '{');
  expect(await checkpointer.loadLatest(run)).toMatchObject({ state: { n: 1 }, version: 1 });
  expect(await checkpointer.checkpoints(run)).toHaveLength(1);
  expect((await claim.saveSnapshot({ n: 2 }, { checkpoint: {} })).version).toBe(2);
});

test('a log that somebody else has written to is not written to', async () => {
  const claim = await checkpointer.claim(run);
  await appendFile(path('events.jsonl'), '\n');
  await expect(claim.saveEvent({ type: 'a' })).rejects.toMatchObject({ code: 'PAWL_CORRUPT' });
  expect(await readFile(path('events.jsonl'), 'utf8')).toMatch(/\n\n$/);
});

test('what the disk refuses leaves everything as it was, and may be tried again', async () => {
  const claim = await checkpointer.claim(run);
  await claim.saveSnapshot({ n: 1 });
  const before = await readFile(path('events.jsonl'), 'utf8');
  // A folder stands where the file goes.
  await mkdir(path('.snapshot.json.part'));
  const refused = claim.saveSnapshot({ n: 2 }, { checkpoint: {} });
  await expect(refused).rejects.toMatchObject({ code: 'PAWL_UNAVAILABLE', outcome: 'not-applied' });
  expect(await readFile(path('events.jsonl'), 'utf8')).toBe(before);
  await rm(path('.snapshot.json.part'), { recursive: true });
  expect(await claim.saveSnapshot({ n: 2 }, { checkpoint: {} })).toMatchObject({ version: 2 });
});

test('a write that cannot be taken back ends the claim; the next one puts it in order', async () => {
  const claim = await checkpointer.claim(run);
  await claim.saveSnapshot({ n: 1 });
  await mkdir(path('checkpoints', '2-0.json'), { recursive: true });
  const refused = { code: 'PAWL_UNAVAILABLE', outcome: 'unknown' };
  await expect(claim.saveSnapshot({ n: 2 }, { checkpoint: {} })).rejects.toMatchObject(refused);
  await rm(path('checkpoints', '2-0.json'), { recursive: true });
  await expect(claim.saveEvent({ type: 'a' })).rejects.toMatchObject(refused);
  const next = await checkpointer.claim(run);
  expect(next).toMatchObject({ state: { n: 1 }, version: 1 });
  expect(await next.saveSnapshot({ n: 2 }, { checkpoint: {} })).toMatchObject({ version: 2 });
});

test('the lock of a process that is gone is taken', async () => {
  const claim = await checkpointer.claim(run);
  const dead = `held.abc.${await deadProcess()}`;
  await rename(path('lock', 'free'), path('lock', dead));
  expect(await claim.saveEvent({ type: 'a' })).toBe(3);
  expect(await readdir(path('lock'))).toEqual(['free']);
});

test('the lock of a process that lives is waited for', async () => {
  const claim = await checkpointer.claim(run);
  const held = path('lock', `held.abc.${thisProcess}`);
  await rename(path('lock', 'free'), held);
  let isSaved = false;
  const saved = claim.saveEvent({ type: 'a' }).then(() => (isSaved = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isSaved).toBe(false);
  await rename(held, path('lock', 'free'));
  await saved;
});

test('a process is known by number, beginning and host', async () => {
  const [pid = '', start = ''] = thisProcess.split('.');
  const host = thisProcess.slice(pid.length + start.length + 2);
  expect(host).toBe(hostname().replaceAll(/[^A-Za-z0-9_-]/g, '_'));
  expect(isAlive(thisProcess)).toBe(true);
  expect(isAlive(await deadProcess())).toBe(false);
  // The number was given to another process since; where there is no /proc, nobody can see that.
  if (start !== '0') expect(isAlive(`${pid}.${Number(start) + 1}.${host}`)).toBe(false);
  // Of another host nobody here can tell.
  expect(isAlive('999999999.1.elsewhere')).toBe(true);
});

test('what dead processes were making or deleting is swept away', async () => {
  const dead = await deadProcess();
  await mkdir(join(folder, `.new.abc.${dead}`));
  await mkdir(join(folder, `.deleted.abc.${dead}`));
  await mkdir(join(folder, `.new.abc.${thisProcess}`));
  await FileCheckpointer.open({ folder });
  expect(await readdir(folder)).toEqual([`.new.abc.${thisProcess}`]);
  expect((await checkpointer.listRuns()).runs).toEqual([]);
});

test('a file that is missing or does not fit is named', async () => {
  const claim = await checkpointer.claim(run);
  await claim.release();
  await writeFile(path('claim.json'), '{"status": "running"}');
  await expect(checkpointer.claim(run)).rejects.toMatchObject({
    code: 'PAWL_CORRUPT',
    key: path('claim.json'),
  });
  await unlink(path('claim.json'));
  await expect(checkpointer.claim(run)).rejects.toMatchObject({
    code: 'PAWL_CORRUPT',
    key: path('claim.json'),
  });
});

test('what JSON cannot say is tagged, and nothing else is taken for a tag', () => {
  const value = {
    date: new Date(0),
    invalid: new Date(Number.NaN),
    big: 2n,
    map: new Map([[{ a: 1 }, undefined]]),
    set: new Set([Number.NaN]),
    bytes: Uint8Array.of(0, 255),
    like: { $date: 'x' },
    twice: { $object: { $set: 1 } },
    two: { $date: 1, $set: 2 },
  };
  const text = JSON.stringify(toTagged(value));
  expect(fromTagged(JSON.parse(text))).toEqual(value);
  expect(text).toContain('"like":{"$object":{"$date":"x"}}');
  for (const bad of ['{"$date":1}', '{"$more":1}', '{"$map":[1]}', '{"a":{"__proto__":1}}']) {
    expect(() => fromTagged(JSON.parse(bad)), bad).toThrow(TypeError);
  }
});
