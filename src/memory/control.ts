/** What others want of a run: messages, cancelling, pausing, resuming. */
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
  if (run.seen.has(params.id)) return { outcome: 'known', wakeUp: toDueRun(run) };
  if (isEnded(run.status)) return { outcome: 'ended', status: run.status };
  receive(run, params, now);
  if (run.status === 'running') ask(run.worker ?? '', run.id);
  else if (!run.paused && run.status !== 'quarantined') run.dueAt = now;
  return { outcome: 'posted', wakeUp: toDueRun(run) };
}

export function cancel(run: StoredRun, params: CancelParams, now: number, ask: Ask): CancelOutcome {
  if (run.seen.has(params.id)) {
    return run.status === 'cancelled'
      ? { outcome: 'cancelled' }
      : { outcome: 'asked', wakeUp: toDueRun(run) };
  }
  if (isEnded(run.status)) return { outcome: 'ended', status: run.status };
  run.paused = false;
  if (run.status === 'quarantined' || run.codeVersion === 0) {
    run.seen.add(params.id);
    raiseFence(run, now);
    append(run, { type: 'run.cancelled', data: params.data }, now);
    changeStatus(run, 'cancelled', now);
    run.error = copy(params.error);
    keep(run, params.keepMs, now);
    return { outcome: 'cancelled' };
  }
  receive(run, { ...params, kind: 'cancel', name: '' }, now);
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
    changeStatus(run, 'queued', now);
    run.deaths = 0;
    run.lost = undefined;
    run.error = undefined;
    run.expiresAt = undefined;
  }
  const status: RunStatus = run.status;
  run.dueAt = status === 'waiting' && run.inbox.length === 0 ? run.wakeAt : now;
  return { outcome: 'resumed', wakeUp: toDueRun(run) };
}

function receive(run: StoredRun, message: Omit<PostParams, 'run'>, now: number): void {
  const { id, kind, name, data } = message;
  run.seen.add(id);
  run.inbox.push({ id, kind, name, data: copy(data), at: now });
}
