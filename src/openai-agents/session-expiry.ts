/** Sessions whose time is over are deleted by whoever changes one: see `IdleLoops`. */
import type { Checkpointer, LoopInfo } from '../core/checkpointer.ts';
import { IdleLoops } from '../engine/loop/idle-loops.ts';
import type { LoopParts } from '../engine/loop/store-loop-log.ts';
import { sessionWorkflow } from './session-ids.ts';

const known = new WeakMap<Checkpointer, IdleLoops>();

/** Those of a pawl: all its sessions look together. */
export function idleSessions(checkpointer: Checkpointer, parts: LoopParts): IdleLoops {
  const idle =
    known.get(checkpointer) ?? new IdleLoops(checkpointer, parts, sessionWorkflow, isOver);
  known.set(checkpointer, idle);
  return idle;
}

function isOver({ metadata, updatedAt }: LoopInfo, now: number): boolean {
  const { ttlMs } = metadata as { readonly ttlMs?: number };
  return ttlMs !== undefined && updatedAt.getTime() + ttlMs <= now;
}
