// Goal: no large value is lost and none is kept for good, whenever a worker dies between a blob and its commit. Method: real
// processes with a slow folder of blobs, killed again and again; then every value is read, and every file has its run.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, inject, test } from 'vitest';
import { Pawl } from 'pawl';
import { FileBlobStore } from 'pawl/file';
import { Upkeep } from '../../src/blobs/upkeep.ts';
import { Vault } from '../../src/blobs/vault.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemClock } from '../../src/engine/system-clock.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { compiled, killChildren, type NodeChild, spawnNode } from '../support/child.ts';
import { hashOf, sheetBytes, sheets } from '../support/sheets.ts';
import { allEvents, checkLog, newPrefix } from '../support/workers.ts';

afterEach(killChildren);

const runs = 6;
const count = 25;
const kills = 12;

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.map((name) => name.split('/').at(-1) ?? '').filter((name) => name.includes('.'));
}

test('workers killed between a blob and its commit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-blobs-'));
  const setup = { url: inject('redisUrl'), prefix: newPrefix(), folder };
  const blobs = await FileBlobStore.open(folder);
  await using pawl = await Pawl.open({
    redis: setup.url,
    prefix: setup.prefix,
    blobs: { store: blobs, overBytes: 1_000 },
  });
  const start = async (): Promise<NodeChild> => {
    const child = spawnNode(compiled('test/support/blobs-main.ts'), [JSON.stringify(setup)]);
    await child.waitFor((message) => message['message'] === 'ready', 30_000);
    return child;
  };
  const covers = Array.from({ length: runs }, () => new Uint8Array(randomBytes(sheetBytes)));
  const handles = await Promise.all(covers.map((cover) => pawl.start(sheets, { cover, count })));
  let next = start();
  for (let i = 0; i < kills; i++) {
    const child = await next;
    next = start();
    await pause(100 + Math.random() * 200);
    child.kill('SIGKILL');
  }
  const last = await next;
  let puts = 0;
  for (const [i, run] of handles.entries()) {
    const { hash, all } = await run.result({ timeoutMs: 60_000 });
    expect(all).toHaveLength(count + 1);
    expect(all[0]).toEqual(covers[i]);
    expect(hashOf(all)).toBe(hash);
    const events = await allEvents(run);
    checkLog(events);
    const stored = events.filter(({ type }) => type === 'step.completed');
    expect(stored).toHaveLength(count);
    for (const [at, { data }] of stored.entries()) {
      expect((data as { result: Uint8Array }).result).toEqual(all[at + 1]);
    }
    puts += events.filter(({ type }) => type === 'run.claimed').length;
  }
  expect(puts).toBeGreaterThan(runs);
  last.kill('SIGKILL');

  const store = await RedisRunStore.open({ redis: setup.url, prefix: setup.prefix });
  const used = (await Promise.all(handles.map(({ id }) => store.blobs.of(id)))).flat();
  const before = await filesIn(folder);
  expect(before.length).toBeGreaterThan(used.length);
  const upkeep = new Upkeep({
    store,
    vault: new Vault(blobs, systemClock),
    clock: systemClock,
    logger: silentLogger,
    times: { sweepMs: 3_600_000, pendingMs: 0, garbageMs: 0 },
  });
  await upkeep.sweep();
  await upkeep.sweep();
  const left = (await filesIn(folder)).filter((name) => !name.startsWith('.'));
  expect(left.toSorted()).toEqual(used.toSorted());
  for (const { id } of handles) await pawl.delete(id);
  await upkeep.sweep();
  await upkeep.sweep();
  expect((await filesIn(folder)).filter((name) => !name.startsWith('.'))).toEqual([]);
  upkeep.close();
  await store.close();
  await rm(folder, { recursive: true });
}, 240_000);
