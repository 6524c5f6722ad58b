/**
 * How safe a write must be before it is acknowledged, and whether the servers can tell.
 *
 *   memory    the master has it; what that is worth when the master dies is up to its appendfsync and its replicas
 *   disk      the master's append-only file has it, flushed
 *   replica   n replicas have it, too
 *
 * WAIT and WAITAOF speak only about what their own connection wrote, and a script cannot call them: see durable-writes.ts.
 */
import { Cluster } from 'ioredis';
import { PawlError } from '../core/errors.ts';
import type { Connection } from './connection.ts';

/** Waiting for replicas: `replicas` of them, each time at most `timeoutMs` (default 1 000). */
export interface ReplicaDurability {
  /** How many replicas must have a write before it counts. At least 1. */
  readonly replicas: number;
  /** Milliseconds that one confirmation may take; after it the call is `PAWL_NOT_DURABLE`. Default 1 000. */
  readonly timeoutMs?: number;
}

/** How safe a write must be before it is acknowledged. docs/deployment.md says what each level survives and costs. */
export type Durability = 'memory' | 'disk' | 'replica' | ReplicaDurability;

/** The command that confirms the writes before it on its connection. */
export interface Confirmation {
  readonly command: readonly [string, ...number[]];
  /** Whether the reply says that the writes are safe. */
  readonly reached: (reply: unknown) => number;
  readonly wanted: number;
  /** What `wanted` counts. */
  readonly what: string;
}

const timeoutMsDefault = 1_000;
/**
 * A server with appendfsync everysec flushes up to a second after a write, and the flush takes its time. Redis 8.0 answers
 * after 1,020 ms at most on a calm disk; a flush that is still under way makes the next one wait for another second.
 */
const flushMsMax = 3_000;

/**
 * The confirmation that a level needs; undefined where the reply to the write itself is one.
 * @throws PawlError `PAWL_REDIS_VERSION`, `PAWL_REDIS_CONFIG` when the servers cannot keep the level; nothing was written.
 */
export async function confirmationFor(
  durability: Durability,
  connection: Connection,
): Promise<Confirmation | undefined> {
  if (durability === 'memory') return undefined;
  if (durability === 'disk') return confirmedByDisk(connection);
  const { replicas, timeoutMs = timeoutMsDefault }: ReplicaDurability =
    durability === 'replica' ? { replicas: 1 } : durability;
  return {
    command: ['WAIT', replicas, timeoutMs],
    reached: Number,
    wanted: replicas,
    what: replicas === 1 ? 'replica' : 'replicas',
  };
}

async function confirmedByDisk(connection: Connection): Promise<Confirmation | undefined> {
  const nodes = connection instanceof Cluster ? connection.nodes('master') : [connection];
  let isFlushedFirst = true;
  for (const node of nodes) {
    const name = `${node.options.host ?? ''}:${node.options.port ?? ''}`;
    const info = await node.info();
    const [major = 0, minor = 0] = field(info, 'redis_version').split('.').map(Number);
    if (field(info, 'aof_enabled') !== '1') {
      throw new PawlError(
        'PAWL_REDIS_CONFIG',
        `Redis at ${name} keeps no append-only file (appendonly no), so durability disk cannot be kept; nothing was written. Run: redis-cli CONFIG SET appendonly yes`,
      );
    }
    const canWait = major > 7 || (major === 7 && minor >= 2);
    if (canWait) isFlushedFirst = false;
    else if (!(await flushesAlways(node))) {
      throw new PawlError(
        'PAWL_REDIS_VERSION',
        `Redis at ${name} is ${major}.${minor}; durability disk needs WAITAOF of Redis 7.2 or newer, or appendfsync always on this one. Nothing was written.`,
      );
    }
  }
  if (isFlushedFirst) return undefined;
  return {
    command: ['WAITAOF', 1, 0, flushMsMax],
    reached: (reply) => Number((reply as readonly unknown[])[0]),
    wanted: 1,
    what: 'disk',
  };
}

/** With appendfsync always the reply to a write comes after its flush. */
async function flushesAlways(node: Exclude<Connection, Cluster>): Promise<boolean> {
  try {
    const [, policy] = await node.config('GET', 'appendfsync');
    return policy === 'always';
  } catch {
    // Where the settings cannot be read nothing is promised about them.
    return false;
  }
}

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? '';
}
