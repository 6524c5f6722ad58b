/**
 * The events of a run as the code of today has them. What older code wrote comes through `upcast`, as it does in a
 * replay: which version wrote an event is told by the claim before it. Nothing is written, and nothing of it is kept.
 */
import type { RunEvent } from '../../core/event.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { PawlEvents } from '../../core/pawl-events.ts';
import type { OutputOf } from '../../core/schema.ts';
import type { RunStore } from '../../core/store.ts';
import type { EventSchemas } from '../definition/context.ts';
import { Upcaster } from '../definition/evolution.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { decodeEvent } from '../replay.ts';
import { nearestSnapshot } from './fold-at.ts';

/**
 * An event of a run of a workflow, its own or one of pawl's: `event.type` tells which, and with it the type of
 * `event.data`.
 */
export type WorkflowEvent<E extends EventSchemas> =
  | { [Type in keyof E & string]: RunEvent<Type, OutputOf<E[Type]>> }[keyof E & string]
  | { [Type in keyof PawlEvents]: RunEvent<Type, PawlEvents[Type]> }[keyof PawlEvents];

/** Makes events of today out of what is read after `after`; undefined where the code has nothing to make of them. */
export async function upcasterAfter(
  store: RunStore,
  workflow: AnyWorkflow | undefined,
  run: string,
  after: number,
): Promise<Upcaster | undefined> {
  if (workflow?.definition.upcast === undefined) return undefined;
  const loaded = await store.load(run);
  if (loaded === undefined) return undefined;
  const { firstSeq } = loaded.record;
  const snapshot = await nearestSnapshot(store, loaded, Math.max(after, firstSeq - 1));
  const upcaster = new Upcaster(workflow, snapshot?.schema ?? 0);
  for (let read = snapshot?.seq ?? 0; read < after;) {
    const limit = Math.min(fixedLimits.eventsPerPage, after - read);
    const page = await store.events({ run, after: read, limit });
    for (const event of page) {
      if (event.type === 'run.claimed') upcaster.upcast(decodeEvent(event, `run ${run}`));
    }
    const last = page.at(-1);
    if (last === undefined) break;
    read = last.seq;
  }
  return upcaster;
}
