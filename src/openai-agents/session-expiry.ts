/**
 * Deletes sessions whose time is over: now and then, by whoever changes one. Each is deleted as it was seen, so one that was
 * changed meanwhile stays: a change raises the fence. A process that dies leaves the rest to the next one.
 */
import type { Checkpointer, LoopInfo } from '../core/checkpointer.ts';
import type { LoopParts } from '../engine/loop/store-loop-log.ts';
import { sessionWorkflow } from './session-ids.ts';

const everyMsMax = 60_000;
/** When the sessions of a pawl were looked at last. */
const looked = new WeakMap<Checkpointer, number>();

export async function sweepSessions(
  checkpointer: Checkpointer,
  { store, clock }: LoopParts,
  ttlMs: number,
): Promise<void> {
  const last = looked.get(checkpointer) ?? -Infinity;
  if (clock.now() - last < Math.min(everyMsMax, ttlMs)) return;
  looked.set(checkpointer, clock.now());
  const now = await store.observation.now();
  let cursor: string | undefined;
  do {
    const page = await checkpointer.listRuns({
      workflow: sessionWorkflow,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const info of page.runs) {
      if (isOver(info, now)) await remove(checkpointer, store, info);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

function isOver({ metadata, updatedAt }: LoopInfo, now: number): boolean {
  const { ttlMs } = metadata as { readonly ttlMs?: number };
  return ttlMs !== undefined && updatedAt.getTime() + ttlMs <= now;
}

async function remove(
  checkpointer: Checkpointer,
  store: LoopParts['store'],
  seen: LoopInfo,
): Promise<void> {
  const { run } = seen;
  let { fence } = seen;
  if (seen.status === 'running') {
    // Its process has died, or is at work this moment.
    const claim = await checkpointer.claim(run, { workflow: sessionWorkflow });
    await claim.release();
    // The claim is one event of the log.
    if (claim.seq !== seen.seq + 1) return;
    ({ fence } = claim);
  }
  await store.delete(run, undefined, { status: 'queued', fence });
}
