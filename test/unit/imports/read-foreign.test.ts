// Goal: who comes from one of the systems pawl grew from brings his runs along. Method: files as those systems write them,
// made here, brought into a pawl in memory, listed, looked at, forked and gone on with.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import initSqlJs from 'sql.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { readForeign } from 'pawl/import';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pawl-foreign-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function write(file: string, content: unknown): Promise<string> {
  const path = join(dir, file);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(
    path,
    typeof content === 'string' ? content : JSON.stringify(content, undefined, 2),
  );
  return path;
}

/** Goes on with whatever state it finds. */
const goingOn = defineWorkflow({
  name: 'going-on',
  state: z.object({}).loose(),
  run: async (ctx) => ctx.step('rest', () => ctx.state as Record<string, unknown>),
});

async function goneOn(pawl: Pawl, id: string): Promise<unknown> {
  pawl.worker({ workflows: [goingOn] });
  const run = pawl.run(goingOn, id);
  expect((await run.info()).paused).toBe(true);
  await run.resume({ actor: 'mover' });
  return run.result({ timeoutMs: 20_000 });
}

test('hillstar: a folder of checkpoints, by node and time', async () => {
  const at = (second: number): string => `2026-02-07T10:00:0${second}.250000`;
  const load = { rows: [1, 2], note: 'half' };
  await write('batch-7/checkpoints/checkpoint_load_20260207_100001.json', {
    timestamp: at(1),
    node_id: 'load',
    state: load,
  });
  await write('batch-7/checkpoints/checkpoint_clean_20260207_100002.json', {
    timestamp: at(2),
    node_id: 'clean',
    state: { rows: [1], cleaned: true },
  });
  await using pawl = memoryPawl().pawl;
  const lines = await readForeign(join(dir, 'batch-7'), { workflow: 'going-on' });
  expect(await pawl.import(lines)).toEqual({ runs: 1, skipped: 0, events: 3, checkpoints: 2 });
  const run = pawl.run(goingOn, 'batch-7');
  const kept = await run.checkpoints();
  expect(kept.map(({ node, label }) => [node, label])).toEqual([
    ['clean', 'clean'],
    ['load', 'load'],
  ]);
  expect(kept[1]?.at.getTime()).toBe(Date.parse(at(1)));
  expect(kept[1]?.metadata).toEqual({ file: 'checkpoint_load_20260207_100001.json' });
  expect(await run.checkpoint(kept[1]?.id ?? '')).toEqual(load);
  const [latest] = await run.checkpoints({ node: 'load' });
  const fork = await pawl.fork(goingOn, 'batch-7', { checkpoint: latest?.id ?? '' });
  expect(await fork.state()).toEqual(load);
  expect((await pawl.list({ tag: { key: 'from', value: 'hillstar' } })).runs).toHaveLength(1);
  expect(await goneOn(pawl, 'batch-7')).toEqual({ rows: [1], cleaned: true });
});

test('simple_agents: a file for each run', async () => {
  const scope = { input: { k: 'v' }, n: 3 };
  const of = (run: string, step: number): object => ({
    run_id: run,
    workflow_name: 'going-on',
    step,
    next_node_id: 'tool',
    scope_snapshot: scope,
  });
  await write('agents/run-1.json', of('run-1', 3));
  await write('agents/run-2.json', of('run-2', 9));
  await using pawl = memoryPawl().pawl;
  expect(await pawl.import(await readForeign(join(dir, 'agents')))).toMatchObject({ runs: 2 });
  const [kept] = await pawl.run('run-2').checkpoints({ node: 'tool' });
  expect(kept?.label).toBe('step 9');
  expect(await goneOn(pawl, 'run-1')).toEqual({ step: 3, next_node_id: 'tool', scope });
  await using one = memoryPawl().pawl;
  expect(await one.import(await readForeign(join(dir, 'agents/run-1.json')))).toMatchObject({
    runs: 1,
  });
});

const events = [
  {
    run_id: 'pa-1',
    seq: 2,
    ts: 1771000002.5,
    kind: 'tool.result',
    lane_id: 'side',
    data: { ok: 1 },
  },
  { run_id: 'pa-1', seq: 1, ts: 1771000001, kind: 'run started', lane_id: 'main', data: {} },
];
const state = { step: 2, memory: ['a'], score: 0.5 };

async function expectPurposeAgent(lines: readonly string[]): Promise<void> {
  await using pawl = memoryPawl().pawl;
  expect(await pawl.import(lines)).toMatchObject({ runs: 1, events: 3 });
  const run = pawl.run(goingOn, 'pa-1');
  const found = [];
  for await (const event of run.events({ signal: AbortSignal.timeout(300) })) found.push(event);
  expect(found.slice(1).map(({ type, data }) => [type, (data as { seq: number }).seq])).toEqual([
    ['purpose_agent.run_started', 1],
    ['purpose_agent.tool.result', 2],
  ]);
  expect(found[2]?.at.getTime()).toBe(1771000002500);
  expect(await run.state()).toEqual(state);
  expect(await goneOn(pawl, 'pa-1')).toEqual(state);
}

test('purpose_agent: a folder for each run, with its backup where the snapshot is missing', async () => {
  await write('pa/pa-1/events.jsonl', `${events.map((one) => JSON.stringify(one)).join('\n')}\n`);
  await write('pa/pa-1/snapshot.json', state);
  await expectPurposeAgent(await readForeign(join(dir, 'pa'), { workflow: 'going-on' }));
  await write('pb/pa-1/events.jsonl', events.map((one) => JSON.stringify(one)).join('\n'));
  await write('pb/pa-1/snapshot.backup.json', state);
  await expectPurposeAgent(await readForeign(join(dir, 'pb'), { workflow: 'going-on' }));
});

test('purpose_agent: its SQLite file', async () => {
  const { Database } = await initSqlJs();
  const database = new Database();
  database.run('CREATE TABLE events (id INTEGER PRIMARY KEY, run_id TEXT, seq INTEGER, data TEXT)');
  database.run('CREATE TABLE snapshots (run_id TEXT PRIMARY KEY, state TEXT)');
  for (const one of events) {
    const values = [one.run_id, one.seq, JSON.stringify(one)];
    database.run('INSERT INTO events (run_id, seq, data) VALUES (?, ?, ?)', values);
  }
  database.run('INSERT INTO snapshots VALUES (?, ?)', ['pa-1', JSON.stringify(state)]);
  const file = join(dir, 'checkpoints.db');
  await writeFile(file, database.export());
  await expectPurposeAgent(await readForeign(file, { workflow: 'going-on' }));
  await writeFile(join(dir, 'broken.db'), Buffer.from(database.export()).subarray(0, 900));
  await expect(readForeign(join(dir, 'broken.db'))).rejects.toMatchObject({ code: 'PAWL_INVALID' });
});

test('what cannot be read is named, and nothing comes in', async () => {
  const cut = await write('cut/checkpoint_a_1.json', '{"timestamp": "2026-02-0');
  await expect(readForeign(join(dir, 'cut'))).rejects.toThrow(`${cut} is not JSON`);
  await write('timeless/checkpoint_a_1.json', { timestamp: 'soon', node_id: 'a', state: {} });
  await expect(readForeign(join(dir, 'timeless'))).rejects.toThrow('no time as its timestamp');
  await write('torn/r/events.jsonl', `${JSON.stringify(events[0])}\n{"run_id": "r"`);
  await expect(readForeign(join(dir, 'torn'))).rejects.toThrow('events.jsonl line 2 is not JSON');
  const odd = { run_id: 'a b', workflow_name: 'w', step: 1, next_node_id: 'n', scope_snapshot: {} };
  await write('odd/x.json', odd);
  await expect(readForeign(join(dir, 'odd'))).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  await mkdir(join(dir, 'empty'));
  await expect(readForeign(join(dir, 'empty'))).rejects.toThrow('does not look like any of');
});
