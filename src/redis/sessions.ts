/** Workers as Redis sees them: sessions, presence, the election of the sweeper. */
import type { Logger } from '../core/logger.ts';
import type {
  Beat,
  Election,
  Look,
  OnNudge,
  SeenWorker,
  WorkerInfo,
  WorkerRecord,
} from '../core/fleet.ts';
import type { Announcements } from './announcements.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { probePresence } from './presence-probe.ts';
import type { ScriptCalls } from './script-calls.ts';
import { alive } from './scripts/alive.ts';
import { beat } from './scripts/beat.ts';
import { deregister } from './scripts/deregister.ts';
import { elect } from './scripts/elect.ts';
import { unpark } from './scripts/unpark.ts';
import { workers } from './scripts/workers.ts';
import { checkShards } from './shards.ts';

/** Workers that one call of the script tells of. */
const workersPerCall = 200;
/** Parked runs that one call of the script looks at. */
const parkedPerCall = 200;

export interface SessionParts {
  readonly connection: Connection;
  /** Makes another, unconnected client to the same endpoint. */
  readonly connect: () => Connection;
  readonly keys: Keys;
  readonly scripts: ScriptCalls;
  readonly announcements: Announcements;
  readonly logger: Logger;
}

export class Sessions {
  readonly #parts: SessionParts;
  /** By worker: the ways to stop listening. */
  readonly #listening = new Map<string, (() => Promise<void>)[]>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  async register(worker: string, onNudge: OnNudge): Promise<void> {
    const { connection, connect, keys, announcements, logger } = this.#parts;
    // Nothing of a run is asked where none is named: the worker is to look after all it has.
    const heard = (message?: Buffer): void => {
      const said = message?.toString() ?? '';
      // The sign before it says that it is a question; it is in no id.
      if (said.startsWith('?')) onNudge(said.slice(1), 'question');
      else onNudge(said === '' ? undefined : said);
    };
    const channels = keys.shards.map((shard) => shard.nudges(worker));
    this.#listening.set(
      worker,
      await Promise.all(channels.map((channel) => announcements.listen(channel, heard))),
    );
    if (await probePresence(connection, connect, keys.liveBase)) {
      await announcements.subscribe(keys.live(worker));
    } else {
      logger.warn(
        { worker },
        'presence does not work here; a dead worker is noticed when its session ends',
      );
    }
  }

  async beat(worker: WorkerInfo, sessionMs: number, atWork: string): Promise<Beat> {
    const { scripts, keys } = this.#parts;
    const beaten = await scripts.call(beat, keys, { worker, sessionMs, atWork });
    if ('draining' in beaten) return beaten;
    checkShards(keys, beaten.shards);
    return { draining: false };
  }

  async deregister(worker: string, seen?: SeenWorker): Promise<boolean> {
    const { keys, scripts, announcements } = this.#parts;
    if (!(await scripts.call(deregister, keys, { worker, seen }))) return false;
    await this.unpark(worker);
    const listening = this.#listening.get(worker);
    // The sweeper makes others deregister, too; only the worker's own store has anything to unsubscribe.
    if (listening === undefined) return true;
    this.#listening.delete(worker);
    await Promise.all(listening.map((stop) => stop()));
    await announcements.unsubscribe(keys.live(worker));
    return true;
  }

  /** Wakes what the worker has parked and might go on with. */
  async unpark(worker: string): Promise<void> {
    const { keys, scripts } = this.#parts;
    for (const shard of keys.shards) {
      const some = { worker, limit: parkedPerCall };
      while ((await scripts.call(unpark, shard, some)) === parkedPerCall);
    }
  }

  async list(): Promise<readonly WorkerRecord[]> {
    const { keys, scripts } = this.#parts;
    const ids = await this.registered();
    const found: WorkerRecord[] = [];
    // One page after the other, so that neither Redis nor this process is busy with all at once.
    for (let from = 0; from < ids.length; from += workersPerCall) {
      const page = ids.slice(from, from + workersPerCall);
      found.push(...(await scripts.call(workers, keys, page)));
    }
    return found;
  }

  async registered(): Promise<readonly string[]> {
    const { connection, keys } = this.#parts;
    return connection.zrange(keys.workers, '0', '-1');
  }

  async atWork(worker: string): Promise<string> {
    const { connection, keys } = this.#parts;
    return (await connection.hget(keys.worker(worker), 'atWork')) ?? '';
  }

  async alive(): Promise<number> {
    const { keys, scripts } = this.#parts;
    return scripts.call(alive, keys, undefined);
  }

  async holders(): Promise<readonly string[]> {
    const { connection, keys } = this.#parts;
    const found = await Promise.all(keys.shards.map(({ holders }) => connection.smembers(holders)));
    return [...new Set(found.flat())];
  }

  async held(worker: string): Promise<readonly string[]> {
    const { connection, keys } = this.#parts;
    const sets = keys.shards.map((shard) => connection.smembers(shard.held(worker)));
    return (await Promise.all(sets)).flat();
  }

  async elect(worker: string, lockMs: number, look: Look): Promise<Election> {
    const { keys, scripts } = this.#parts;
    return scripts.call(elect, keys, { worker, lockMs, look });
  }
}
