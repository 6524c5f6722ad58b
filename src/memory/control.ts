/** What others want of a run: messages, cancelling, pausing, resuming. */
import { wants } from '../core/waits.ts';
import type { RunStatus } from '../core/run.ts';
import { isEnded } from '../core/run.ts';
import type {
  CancelOutcome,
  CancelParams,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
} from '../core/store.ts';
import {
  append,
  changeStatus,
  copy,
  keep,
  raiseFence,
  type StoredRun,
  toDueRun,
} from './stored-run.ts';

/** Calls the worker that holds a run to look after it. */
export type Ask = (worker: string, run: string | undefined) => void;

export function post(run: StoredRun, params: PostParams, now: number, ask: Ask): PostOutcome {
  if (run.seen.has(params.id)) {
    const taken = !run.inbox.some(({ id }) => id === params.id);
    return { outcome: 'known', wakeUp: toDueRun(run), taken };
  }
  const isKept = params.kind === 'child' && run.status === 'failed';
  if (isEnded(run.status) && !isKept) return { outcome: 'ended', status: run.status };
  receive(run, params, now);
  if (isKept) return { outcome: 'posted', wakeUp: toDueRun(run), woken: false };
  const woken = run.status === 'waiting' && wants(run.waits, params);
  if (woken) run.woken = true;
  if (run.status === 'running') ask(run.worker ?? '', run.id);
  else if (woken && !run.paused) run.dueAt = now;
  return { outcome: 'posted', wakeUp: toDueRun(run), woken: woken && !run.paused };
}

export function cancel(run: StoredRun, params: CancelParams, now: number, ask: Ask): CancelOutcome {
  if (run.seen.has(params.id)) {
    return run.status === 'cancelled'
      ? { outcome: 'cancelled' }
      : { outcome: 'asked', wakeUp: toDueRun(run) };
  }
  if (isEnded(run.status)) return { outcome: 'ended', status: run.status };
  run.paused = false;
  if (run.status === 'quarantined' || run.claimSeq === 0) {
    run.owes = run.claimSeq > 0;
    run.seen.add(params.id);
    raiseFence(run, now);
    append(run, { type: 'run.cancelled', data: params.data }, now);
    changeStatus(run, 'cancelled', now);
    run.error = copy(params.error);
    keep(run, params.keepMs, now);
    return { outcome: 'cancelled' };
  }
  receive(run, { ...params, kind: 'cancel', name: '' }, now);
  if (run.status === 'waiting') run.woken = true;
  if (run.status === 'running') ask(run.worker ?? '', run.id);
  else run.dueAt = now;
  return { outcome: 'asked', wakeUp: toDueRun(run) };
}

export function pause(run: StoredRun, data: Uint8Array, now: number, ask: Ask): PauseOutcome {
  if (isEnded(run.status)) return { outcome: 'ended', status: run.status };
  if (!run.paused) {
    run.paused = true;
    run.pausedBy = copy(data);
    if (run.status === 'running') {
      ask(run.worker ?? '', run.id);
    } else {
      raiseFence(run, now);
      append(run, { type: 'operator.paused', data }, now);
      run.dueAt = undefined;
    }
  }
  return { outcome: 'paused', status: run.status };
}

export function resume(run: StoredRun, data: Uint8Array, now: number): ResumeOutcome {
  const isRetry = run.status === 'failed' || run.status === 'quarantined';
  const isPaused = run.paused;
  run.paused = false;
  if ((!isPaused && !isRetry) || run.status === 'running') {
    return { outcome: 'idle', status: run.status };
  }
  raiseFence(run, now);
  append(run, { type: isRetry ? 'operator.retried' : 'operator.resumed', data }, now);
  if (isRetry) {
    // A cancel of yesterday is no answer to whoever resumes it today.
    const left = run.inbox.filter(({ kind }) => kind !== 'cancel');
    run.inbox.splice(0, run.inbox.length, ...left);
    run.owes = false;
    run.untold = false;
    changeStatus(run, 'queued', now);
    run.deaths = 0;
    run.lost = undefined;
    run.error = undefined;
    run.expiresAt = undefined;
  }
  const status: RunStatus = run.status;
  run.dueAt = status === 'waiting' && !run.woken ? soonest(run.wakeAt, run.lookAt) : now;
  return { outcome: 'resumed', wakeUp: toDueRun(run) };
}

function soonest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function receive(run: StoredRun, message: Omit<PostParams, 'run'>, now: number): void {
  const { id, kind, name, data } = message;
  run.seen.add(id);
  run.inbox.push({ id, kind, name, data: copy(data), at: now });
}
