/** Changes of a run that take more than a line. */
import type { InterruptedData } from '../core/event.ts';
import { isEnded } from '../core/run.ts';
import type { InterruptParams, Release, SnapshotDelta } from '../core/store.ts';
import {
  append,
  changeStatus,
  copy,
  json,
  keep,
  lastSeq,
  raiseFence,
  type StoredRun,
} from './stored-run.ts';

/** Saves what changed of the snapshot; it covers the whole log. */
export function save(run: StoredRun, delta: SnapshotDelta, now: number): void {
  const fields = new Map(delta.whole === true ? [] : run.snapshot?.fields);
  for (const [field, bytes] of delta.set) fields.set(field, copy(bytes));
  for (const field of delta.remove) fields.delete(field);
  const version = (run.snapshot?.version ?? 0) + 1;
  const about = { version, seq: lastSeq(run), schema: delta.schema, at: now };
  run.snapshot = { ...about, fields };
  if (run.loose) run.changedAt = now;
  for (const [n, mark] of (delta.keep?.marks ?? []).entries()) {
    const { label, node, metadata } = mark;
    const checkpoint = {
      ...{ id: `${version}-${n}`, ...about, bytes: delta.keep?.bytes ?? 0 },
      ...(label ? { label } : {}),
      ...(node ? { node } : {}),
      ...(metadata?.length ? { metadata: copy(metadata) } : {}),
    };
    run.kept.push({ checkpoint, snapshot: run.snapshot });
  }
}

/** Lets go of a run. */
export function release(run: StoredRun, to: Release, now: number): void {
  const { worker } = run;
  changeStatus(run, to.status, now);
  run.worker = undefined;
  run.owner = undefined;
  run.deaths = 0;
  run.lost = undefined;
  if (isEnded(to.status)) run.paused = false;
  switch (to.status) {
    case 'completed':
      run.output = copy(to.output);
      keep(run, to.keepMs, now);
      break;
    case 'failed':
    case 'cancelled':
      run.owes = to.owesCancel === true;
      run.error = copy(to.error);
      keep(run, to.keepMs, now);
      break;
    case 'quarantined':
      run.error = copy(to.error);
      break;
    case 'queued':
      run.dueAt = run.paused || run.loose ? undefined : now + to.resendMs;
      break;
    case 'waiting':
      park(run, to, worker, now);
      break;
  }
}

function park(
  run: StoredRun,
  to: Extract<Release, { status: 'waiting' }>,
  worker: string | undefined,
  now: number,
): void {
  run.waits = to.waits;
  run.wakeAt = to.wakeMs === undefined ? undefined : now + to.wakeMs;
  run.parkedBy = to.mayGoOn === true ? worker : undefined;
  run.lookAt = to.lookMs === undefined ? undefined : now + to.lookMs;
  run.woken = run.inbox.some(({ kind }) => kind === 'cancel');
  const times = [run.wakeAt, run.lookAt].filter((time) => time !== undefined);
  run.dueAt = times.length === 0 ? undefined : Math.min(...times);
  if (run.woken) run.dueAt = now;
  if (run.paused) run.dueAt = undefined;
}

/** An ended run that owes nothing any more is only kept. */
export function owesLess(
  run: StoredRun,
  less: Partial<Pick<StoredRun, 'untold' | 'owes'>>,
): void {
  Object.assign(run, less);
  if (run.untold || run.owes || run.expiresAt === undefined) return;
  run.dueAt = run.expiresAt;
  run.expiresAt = undefined;
}

/** A parked run is called again, because its handler was at work when its worker was lost. */
export function wakeParked(run: StoredRun, now: number): void {
  run.parkedBy = undefined;
  run.woken = true;
  if (!run.paused) run.dueAt = now;
}

/** Takes a run from a lost worker. */
export function interruptRun(run: StoredRun, params: InterruptParams, now: number): void {
  const { worker, reason, resendMs, quarantineAfter } = params;
  // The newest event is a sign of life as well.
  const lastSeenAt = Math.max(params.lastSeenAt, run.events.at(-1)?.at ?? 0);
  const detectMs = Math.max(0, now - lastSeenAt);
  const deaths = lastSeq(run) > run.claimSeq ? 0 : run.deaths + 1;
  raiseFence(run, now);
  changeStatus(run, 'interrupted', now);
  run.worker = undefined;
  run.owner = undefined;
  run.deaths = deaths;
  run.lost = { from: worker, reason, at: now, detectMs };
  run.dueAt = run.paused ? undefined : now + resendMs;
  const data: InterruptedData = { worker, reason, lastSeenAt, detectMs, deaths };
  append(run, { type: 'run.interrupted', data: json(data) }, now);
  if (deaths < quarantineAfter) return;
  changeStatus(run, 'quarantined', now);
  run.dueAt = undefined;
  append(run, { type: 'run.quarantined', data: json({ worker, deaths }) }, now);
  run.error = json({
    name: 'QuarantinedError',
    code: 'PAWL_RUN_QUARANTINED',
    message: `The run lost ${deaths} workers in a row without a new event in between; the last was ${worker}.`,
  });
}
