/** What readers of a run get: copies, so that nobody can change what is stored. */
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { ClaimedData, StoredEvent } from '../core/event.ts';
import { fixedLimits } from '../core/limits.ts';
import type { ClaimedRun, LoadedRun, Snapshot } from '../core/store.ts';
import { copy, eventsAfter, type StoredRun, toRecord } from './stored-run.ts';

/** Messages read at a time; more follow when these are taken. */
export const messagesPerPage = 100;

/** The answer to a claim that took the run. */
export function claimed(run: StoredRun, token: string, now: number): ClaimedRun {
  return {
    outcome: 'claimed',
    ownership: { run: run.id, fence: run.fence, owner: token },
    takeover: toTakeover(run),
    furthest: run.furthest,
    messages: run.inbox.slice(0, messagesPerPage),
    waitedFor: run.waits,
    asked: run.questions.size > 0,
    now,
    ...loaded(run),
  };
}

/** How the owner before was lost; undefined when it was not. */
export function toTakeover(run: StoredRun): ClaimedData['takeover'] {
  if (run.lost?.claimMs === undefined) return undefined;
  const { from, reason, detectMs, claimMs } = run.lost;
  return { from, reason, detectMs, claimMs };
}

/** A run as its readers get it: snapshot and the first events of what came after. */
export function loaded(run: StoredRun): LoadedRun {
  const from = run.snapshot?.seq ?? 0;
  const events = eventsAfter(run, from, fixedLimits.eventsPerLoad).map(copyEvent);
  return { record: toRecord(run), snapshot: run.snapshot && copySnapshot(run.snapshot), events };
}

/** An event with bytes of its own. */
export function copyEvent(event: StoredEvent): StoredEvent {
  return { ...event, data: copy(event.data) };
}

/** The kept snapshots that fit, the newest first. */
export function checkpoints(
  run: StoredRun | undefined,
  { node, label, before, limit }: CheckpointQuery,
): readonly CheckpointRecord[] {
  const all = (run?.checkpoints ?? []).map(({ checkpoint }) => checkpoint);
  const place = all.findIndex(({ id }) => id === before);
  return (place < 0 ? all : all.slice(0, place))
    .filter((one) => node === undefined || one.node === node)
    .filter((one) => label === undefined || one.label === label)
    .toReversed()
    .slice(0, limit);
}

export function copySnapshot(snapshot: Snapshot): Snapshot {
  const fields = [...snapshot.fields].map(([field, bytes]) => [field, copy(bytes)] as const);
  return { ...snapshot, fields: new Map(fields) };
}
