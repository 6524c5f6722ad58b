/** Workers as Redis sees them: sessions, presence, the election of the sweeper. */
import type { InterruptReason } from '../core/event.ts';
import type { Logger } from '../core/logger.ts';
import type { Beat, Look, SeenWorker, WorkerInfo, WorkerRecord } from '../core/fleet.ts';
import type { Announcements } from './announcements.ts';
import type { Connection } from './connection.ts';
import { type Flat, toWorker } from './fields.ts';
import type { Keys } from './keys.ts';
import { probePresence } from './presence-probe.ts';
import type { Scripts } from './scripts.ts';
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
  readonly scripts: Scripts;
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

  async appear(worker: string, asked: (run: string | undefined) => void): Promise<void> {
    const { connection, connect, keys, announcements, logger } = this.#parts;
    // Nothing of a run is asked where none is named: the worker is to look after all it has.
    const heard = (run: string | undefined): void => asked(run === '' ? undefined : run);
    const channels = keys.shards.map((shard) => shard.asked(worker));
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
    const [outcome, draining] = await scripts.beat(worker, sessionMs, atWork);
    if (String(outcome) === 'shards') checkShards(keys, draining);
    return { draining: draining === 1 };
  }

  async leave(worker: string, seen?: SeenWorker): Promise<boolean> {
    const { keys, scripts, announcements } = this.#parts;
    const [outcome] = await scripts.leave(worker, seen);
    if (String(outcome) !== 'left') return false;
    await this.unpark(worker);
    const listening = this.#listening.get(worker);
    // The sweeper makes others leave, too; only the worker's own store has anything to unsubscribe.
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
      while ((await scripts.unpark(shard, worker, parkedPerCall)) === parkedPerCall);
    }
  }

  async list(): Promise<readonly WorkerRecord[]> {
    const { keys, scripts } = this.#parts;
    const ids = await this.registered();
    const found: WorkerRecord[] = [];
    // One page after the other, so that neither Redis nor this process is busy with all at once.
    for (let from = 0; from < ids.length; from += workersPerCall) {
      const page = ids.slice(from, from + workersPerCall);
      const reply = await scripts.workers(page);
      for (const [i, id] of page.entries()) {
        const [flat, present] = (reply[i] ?? [[], 0]) as [Flat, number];
        const at = { key: keys.worker(id), id };
        if (flat.length > 0) found.push(toWorker(at, flat, present === 1));
      }
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
    const [alive] = await this.#parts.scripts.alive();
    return Number(alive);
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

  async look(worker: string, lockMs: number): Promise<Look> {
    const [role, workers, at, ...rest] = await this.#parts.scripts.look(worker, lockMs);
    if (String(role) === 'follower') return { leader: false, workers: Number(workers) };
    const lost = [];
    for (let i = 0; i + 2 < rest.length; i += 3) {
      lost.push({
        worker: String(rest[i]),
        reason: String(rest[i + 1]) as InterruptReason,
        lastSeenAt: Number(rest[i + 2]),
      });
    }
    return { leader: true, workers: Number(workers), at: Number(at), lost };
  }
}
