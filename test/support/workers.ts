/** Worker processes and a pawl to watch them with, on a prefix of their own. */
import { randomBytes } from 'node:crypto';
import { Pawl } from 'pawl';
import type { Durability, RunEvent, RunHandle, WorkerOptions } from 'pawl';
import { compiled, spawnNode, type NodeChild } from './child.ts';

export function newPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

export interface WorkerSetup {
  readonly url: string;
  readonly prefix: string;
  readonly worker?: Partial<WorkerOptions>;
  readonly graceMs?: number;
  readonly durability?: Durability;
}

/** Starts a worker process that may not be ready yet, nor able to be. */
export function spawnWorker(setup: WorkerSetup): NodeChild {
  return spawnNode(compiled('test/support/worker-main.ts'), [JSON.stringify(setup)]);
}

/** Starts a worker process; resolves when it takes runs. */
export async function startWorker(setup: WorkerSetup): Promise<{ child: NodeChild; id: string }> {
  const child = spawnWorker(setup);
  const ready = await child.waitFor((message) => message['message'] === 'ready', 30_000);
  return { child, id: String(ready['worker']) };
}

export async function openPawl(url: string, prefix: string): Promise<Pawl> {
  return Pawl.open({ redis: url, prefix });
}

/** All events of a run that are there now, or until it has ended. */
export async function allEvents(run: RunHandle): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run.events()) events.push(event);
  return events;
}

/** Resolves with the first event that fits, from the beginning of the log. */
export async function firstEvent(
  run: RunHandle,
  fits: (event: RunEvent) => boolean,
): Promise<RunEvent> {
  for await (const event of run.events()) if (fits(event)) return event;
  throw new Error(`run ${run.id} has ended without the event`);
}

/**
 * Judges a log: seqs dense from 1, fences never falling, every event by the owner that had claimed last.
 * Throws with the first event that is wrong.
 */
export function checkLog(events: readonly RunEvent[]): void {
  let fence = 0;
  for (const [i, event] of events.entries()) {
    if (event.seq !== i + 1) throw new Error(`seq ${event.seq} stands at place ${i + 1}`);
    const raises = event.type === 'run.claimed' || event.type === 'run.interrupted';
    // What operators do is written under a new fence, unless the owner writes it down for them.
    const mayRaise = event.type.startsWith('operator.') || event.type === 'run.cancelled';
    const isRight = raises
      ? event.fence > fence
      : event.fence === fence || (mayRaise && event.fence > fence);
    if (!isRight) {
      throw new Error(`event ${event.seq} ${event.type} has fence ${event.fence} after ${fence}`);
    }
    fence = event.fence;
  }
}
