/**
 * Goal: what the checkpointer in files has acknowledged is there after `kill -9` at any moment, and after any number of
 * processes have taken the run from each other. Method: processes that append and save in a loop and say what was
 * acknowledged; each is killed at a random moment, then the folder is compared with what they said.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunEvent } from 'pawl';
import { FileCheckpointer } from 'pawl/file';
import {
  compiled,
  killChildren,
  type Message,
  type NodeChild,
  spawnNode,
} from '../support/child.ts';

const kills = 40;
const run = 'counted';

interface Counted {
  readonly n: number;
}
interface Count extends Counted {
  readonly size: number;
  readonly i: number;
}

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-chaos-'));
});

afterEach(async () => {
  await killChildren();
  await rm(folder, { recursive: true });
});

function loop(manner: 'alone' | 'rival'): NodeChild {
  return spawnNode(compiled('test/support/file-loop.ts'), [folder, run, manner]);
}

async function logOf(checkpointer: FileCheckpointer): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of checkpointer.listEvents(run)) events.push(event);
  return events;
}

/** Compares what is there with what was acknowledged. */
async function check(said: readonly Message[]): Promise<number> {
  const checkpointer = await FileCheckpointer.open({ folder });
  const events = await logOf(checkpointer);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  const own = events.filter(({ type }) => type === 'count');
  const counts = own.map(({ data }) => data as Count);
  expect(counts.map(({ n }) => n)).toEqual(counts.map((_, i) => i));
  for (const { i, size, n } of counts) {
    // Saves are there wholly or not at all.
    expect(counts[n - i]?.i).toBe(0);
    expect(counts[n - i + size - 1]?.i).toBe(size - 1);
  }
  const latest = await checkpointer.loadLatest<Counted>(run);
  expect((latest?.state?.n ?? 0) + (latest?.events.length ?? 0)).toBe(own.length);
  let version = 0;
  for (const message of said) {
    const n = Number(message['n']);
    for (const [i, seq] of ((message['saved'] ?? []) as number[]).entries()) {
      expect(events[seq - 1]?.data).toMatchObject({ n: n + i });
    }
    version = Math.max(version, Number(message['version'] ?? 0));
  }
  expect(latest?.version ?? 0).toBeGreaterThanOrEqual(version);
  return own.length;
}

async function checkCheckpoints(said: readonly Message[]): Promise<number> {
  const checkpointer = await FileCheckpointer.open({ folder });
  const kept = said.filter((message) => 'checkpoint' in message);
  for (const { checkpoint, n } of kept) {
    expect(await checkpointer.loadCheckpoint(run, String(checkpoint))).toEqual({ n });
  }
  return kept.length;
}

test(`${kills} processes are killed, and nothing that was acknowledged is lost`, async () => {
  const said: Message[] = [];
  let before = 0;
  for (let i = 0; i < kills; i++) {
    const child = loop('alone');
    // Some die while they claim, the others somewhere in their work.
    if (i % 4 !== 0) await child.waitFor((message) => 'saved' in message);
    await sleep(Math.random() * 60);
    child.kill('SIGKILL');
    await child.exit;
    expect(child.errors).toBe('');
    said.push(...child.messages);
    if (before === 0 && !said.some((message) => 'claimed' in message)) continue;
    const after = await check(child.messages);
    expect(after).toBeGreaterThanOrEqual(before);
    before = after;
  }
  await check(said);
  expect(await checkCheckpoints(said)).toBeGreaterThan(0);
  expect(said.filter((message) => 'claimed' in message).length).toBeGreaterThanOrEqual(kills / 2);
});

test('processes that take the run from each other, and are killed, never mix their writes', async () => {
  const rivals = [loop('rival'), loop('rival'), loop('rival')];
  const said: Message[] = [];
  for (let i = 0; i < 9; i++) {
    const place = i % rivals.length;
    const [rival] = rivals.slice(place);
    if (rival === undefined) continue;
    await rival.waitFor((message) => 'saved' in message);
    rival.kill('SIGKILL');
    await rival.exit;
    said.push(...rival.messages);
    rivals[place] = loop('rival');
  }
  await Promise.any(rivals.map((rival) => rival.waitFor((message) => 'fenced' in message)));
  for (const rival of rivals) rival.kill('SIGKILL');
  await Promise.all(rivals.map((rival) => rival.exit));
  said.push(...rivals.flatMap((rival) => rival.messages));
  await check(said);
  await checkCheckpoints(said);
  const fences = said.filter((one) => 'claimed' in one).map((one) => one['claimed']);
  expect(new Set(fences).size).toBe(fences.length);
  expect(said.filter((message) => 'fenced' in message).length).toBeGreaterThan(0);
});
