/** Changes of a run that take more than a line. */
import type { InterruptedData } from '../core/event.ts';
import { isEnded } from '../core/run.ts';
import type { InterruptParams } from '../core/fleet.ts';
import type { Parking, Release, SnapshotDelta } from '../core/store.ts';
import {
  absolve,
  append,
  changeStatus,
  copy,
  isWanted,
  json,
  keep,
  lastSeq,
  letWait,
  nextPoll,
  progressOf,
  raiseFence,
  type StoredRun,
  wake,
} from './stored-run.ts';

/** Saves what changed of the snapshot; it covers the whole log. */
export function save(run: StoredRun, delta: SnapshotDelta, now: number): void {
  const fields = new Map(delta.full === true ? [] : run.snapshot?.fields);
  for (const [field, bytes] of delta.set) fields.set(field, copy(bytes));
  for (const field of delta.remove) fields.delete(field);
  const version = (run.snapshot?.version ?? 0) + 1;
  const about = { version, seq: lastSeq(run), schema: delta.schema, at: now };
  run.snapshot = { ...about, fields };
  if (run.unmanaged) run.changedAt = now;
  for (const [n, mark] of (delta.checkpoints?.marks ?? []).entries()) {
    const { label, node, metadata } = mark;
    const checkpoint = {
      id: `${version}-${n}`,
      ...about,
      bytes: delta.checkpoints?.bytes ?? 0,
      ...(label ? { label } : {}),
      ...(node ? { node } : {}),
      ...(metadata?.length ? { metadata: copy(metadata) } : {}),
    };
    run.checkpoints.push({ checkpoint, snapshot: run.snapshot });
  }
}

/** Lets go of a run. */
export function release(run: StoredRun, to: Release, now: number): void {
  const { worker = '' } = run;
  changeStatus(run, to.status, now);
  run.worker = undefined;
  run.owner = undefined;
  absolve(run);
  run.lost = undefined;
  // One that is handed back keeps its turn: whoever takes it goes on.
  if (to.status !== 'queued' || run.paused) run.turn = undefined;
  run.cancelPending = 'cancelsChildren' in to && to.cancelsChildren;
  if (isEnded(to.status)) run.paused = false;
  switch (to.status) {
    case 'completed':
      run.output = copy(to.output);
      keep(run, to.keepMs, now);
      break;
    case 'failed':
    case 'cancelled':
      run.error = copy(to.error);
      keep(run, to.keepMs, now);
      break;
    case 'quarantined':
      run.error = copy(to.error);
      break;
    case 'queued':
      run.dueAt = run.paused || run.unmanaged ? undefined : now + to.resendMs;
      break;
    case 'waiting':
      park(run, to, now);
      if (to.mayGoOn === true) run.parkedBy = { worker, fence: run.fence };
      break;
  }
}

function park(run: StoredRun, to: Parking, now: number): void {
  run.wakeAt = to.wakeMs === undefined ? undefined : now + to.wakeMs;
  letWait(run, to.waits, to.pollMs);
  run.dueAt = run.paused ? undefined : nextPoll(run, now);
  // Whoever pauses before another attempt takes no messages then, and must not sleep over one that it waits for.
  if (run.inbox.some((message) => isWanted(run, message))) wake(run, now);
}

/** Takes a run from a lost worker. */
export function interruptRun(run: StoredRun, params: InterruptParams, now: number): void {
  const { worker, reason, resendMs, quarantineAfter, evidence } = params;
  // The newest event is a sign of life as well.
  const lastSeenAt = Math.max(params.lastSeenAt, run.events.at(-1)?.at ?? 0);
  const detectMs = Math.max(0, now - lastSeenAt);
  const { isProven, furthest } = progressOf(run);
  if (isProven) absolve(run);
  // Its worker lives: that it forgot the run is no death.
  else if (reason !== 'forgotten') {
    run.losses += 1;
    if (evidence === run.id) run.proofs += 1;
  }
  run.furthest = furthest;
  const { losses, proofs } = run;
  raiseFence(run, now);
  changeStatus(run, 'interrupted', now);
  run.worker = undefined;
  run.owner = undefined;
  run.lost = { from: worker, reason, at: now, detectMs };
  run.dueAt = run.paused ? undefined : now + resendMs;
  const data: InterruptedData = { worker, reason, lastSeenAt, detectMs, losses, proofs };
  append(run, { type: 'run.interrupted', data: json(data) }, now);
  if (proofs < quarantineAfter) return;
  changeStatus(run, 'quarantined', now);
  run.turn = undefined;
  run.dueAt = undefined;
  append(run, { type: 'run.quarantined', data: json({ worker, losses, proofs }) }, now);
  run.error = json({
    name: 'QuarantinedError',
    code: 'PAWL_RUN_QUARANTINED',
    message: `The run lost ${losses} workers in a row without progress, ${proofs} of them with no other run under suspicion; the last was ${worker}.`,
  });
}
