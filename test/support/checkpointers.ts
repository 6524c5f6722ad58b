/** Checkpointers for the conformance suite, with a way to damage what each has stored. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pawl } from 'pawl';
import { FileCheckpointer } from 'pawl/file';
import type { StoredEvent } from '../../src/core/event.ts';
import { MemoryResumeQueue } from '../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { createConnection } from '../../src/redis/connection.ts';
import type { OpenedCheckpointer } from '../../src/testing/checkpointer/opened.ts';
import { memoryPawl } from './memory.ts';

const unreadable = Uint8Array.of(0x01, 0xc1, 0xff);

/** In memory: what is read of a damaged run is unreadable. */
export async function openMemoryCheckpointer(): Promise<OpenedCheckpointer> {
  let now = 1_700_000_000_000;
  const store = new MemoryRunStore({ clock: { now: () => now } });
  const { pawl } = memoryPawl({ store });
  const second = Pawl.assemble({ store, queue: new MemoryResumeQueue() });
  const badEvents = new Map<string, number>();
  const badStates = new Set<string>();
  const spoil = (run: string, events: readonly StoredEvent[]): StoredEvent[] =>
    events.map((one) => (one.seq === badEvents.get(run) ? { ...one, data: unreadable } : one));
  const { events, load, claim } = {
    events: store.events.bind(store),
    load: store.load.bind(store),
    claim: store.claim.bind(store),
  };
  store.events = async (params) => spoil(params.run, await events(params));
  store.load = async (run) => {
    const loaded = await load(run);
    if (loaded === undefined) return loaded;
    const { snapshot } = loaded;
    const fields = new Map([['state:n', unreadable]]);
    const read = { ...loaded, events: spoil(run, loaded.events) };
    return badStates.has(run) && snapshot ? { ...read, snapshot: { ...snapshot, fields } } : read;
  };
  store.claim = async (params) => {
    const claimed = await claim(params);
    return claimed.outcome === 'claimed'
      ? { ...claimed, ...(await store.load(params.run)) }
      : claimed;
  };
  return {
    checkpointer: pawl.checkpointer,
    other: second.checkpointer,
    advance: async (ms) => {
      now += ms;
    },
    damageEvent: async (run) => {
      const { seq = 0 } = (await store.record(run)) ?? {};
      badEvents.set(run, seq);
      return `at seq ${seq}`;
    },
    damageState: async (run) => {
      badStates.add(run);
      return 'state:n';
    },
    close: () => pawl.close(),
  };
}

/** On Redis: keys are damaged behind pawl's back. */
export async function openRedisCheckpointer(
  redis: string,
  prefix: string,
): Promise<OpenedCheckpointer> {
  const [pawl, second] = await Promise.all([
    Pawl.open({ redis, prefix }),
    Pawl.open({ redis, prefix }),
  ]);
  const raw = createConnection(redis);
  await raw.connect();
  const base = `{${prefix}:0}:`;
  return {
    checkpointer: pawl.checkpointer,
    other: second.checkpointer,
    advance: (ms) => sleep(ms),
    damageEvent: async (run) => {
      const key = `${base}events:${run}`;
      const entries = await raw.xrangeBuffer(key, '-', '+');
      const newest = entries.pop();
      if (newest === undefined) throw new Error('one event is needed');
      const id = String(newest[0]);
      // Put down anew: an id that a stream has had cannot be given to it a second time on every server.
      const anew = raw.multi().del(key);
      for (const [before, fields] of entries) anew.xadd(key, before, ...fields);
      await anew.xadd(key, id, 'type', 'b', 'at', '1', 'data', Buffer.from(unreadable)).exec();
      return `at seq ${id.split('-')[0]}`;
    },
    damageState: async (run) => {
      await raw.hset(`${base}snapshot:${run}`, 'state:n', Buffer.from(unreadable));
      return 'state:n';
    },
    close: async () => {
      await Promise.all([pawl.close(), second.close()]);
      for (const key of await raw.keys(`{${prefix}*`)) await raw.unlink(key);
      raw.disconnect();
    },
  };
}

/** In files: lines are damaged with an editor, so to speak. */
export async function openFileCheckpointer(fsync: boolean): Promise<OpenedCheckpointer> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-files-'));
  return {
    checkpointer: await FileCheckpointer.open({ folder, fsync }),
    other: await FileCheckpointer.open({ folder, fsync }),
    advance: (ms) => sleep(ms),
    damageEvent: async (run) => {
      const path = join(folder, run, 'events.jsonl');
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
      const last = lines.length - 1;
      lines[last] = (lines[last] ?? '').replace('"type":', '"type"');
      await writeFile(path, `${lines.join('\n')}\n`);
      return `${path}, line ${lines.length}`;
    },
    damageState: async (run) => {
      const path = join(folder, run, 'snapshot.json');
      await writeFile(path, (await readFile(path, 'utf8')).slice(0, -10));
      return path;
    },
    close: () => rm(folder, { recursive: true }),
  };
}
