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
import type { DueRun } from '../core/due-run.ts';
import {
  absolve,
  append,
  changeStatus,
  copy,
  endWait,
  isWanted,
  keep,
  keyedOf,
  nextPoll,
  raiseFence,
  refusedAnswer,
  type StoredRun,
  toDueRun,
  wake,
} from './stored-run.ts';

/** Calls the worker that holds a run to look after it. */
export type Ask = (worker: string, run: string | undefined) => void;

export function post(run: StoredRun, params: PostParams, now: number, ask: Ask): PostOutcome {
  if (run.seen.has(params.id)) {
    const taken = !run.inbox.some(({ id }) => id === params.id);
    return { outcome: 'known', taken, ...toWakeUp(run, now) };
  }
  // A run that has failed may be resumed, and then waits for nothing that it was told of before.
  const mayGoOn = run.status === 'failed' && params.kind === 'child';
  if (isEnded(run.status) && !mayGoOn) return { outcome: 'ended', status: run.status };
  const refused = params.wait === undefined ? undefined : refusedAnswer(run, params, now);
  if (refused !== undefined) return refused;
  receive(run, params, now);
  if (run.status === 'running') ask(run.worker ?? '', run.id);
  else if (isWanted(run, params)) wake(run, now);
  return { outcome: 'posted', ...toWakeUp(run, now) };
}

function toWakeUp(run: StoredRun, now: number): { woken: boolean; wakeUp: DueRun } {
  const woken = run.status === 'waiting' && run.wokenAt !== undefined && !run.paused;
  return { woken, wakeUp: toDueRun(run, now) };
}

export function cancel(run: StoredRun, params: CancelParams, now: number, ask: Ask): CancelOutcome {
  if (run.seen.has(params.id)) {
    return run.status === 'cancelled'
      ? { outcome: 'cancelled', ...keyedOf(run) }
      : { outcome: 'asked', wakeUp: toDueRun(run, now) };
  }
  if (isEnded(run.status)) return { outcome: 'ended', status: run.status };
  run.paused = false;
  if (run.status === 'quarantined' || run.claimSeq === undefined) {
    run.seen.add(params.id);
    // What it has started, if anything, was never told that this is over.
    run.cancelPending = run.claimSeq !== undefined;
    endWait(run);
    raiseFence(run, now);
    append(run, { type: 'run.cancelled', data: params.data }, now);
    changeStatus(run, 'cancelled', now);
    run.error = copy(params.error);
    keep(run, params.keepMs, now);
    run.turn = undefined;
    return { outcome: 'cancelled', ...keyedOf(run) };
  }
  // One that waits in the inbox says all that another one could say.
  if (run.inbox.some(({ kind }) => kind === 'cancel')) run.seen.add(params.id);
  else receive(run, { ...params, kind: 'cancel', name: '' }, now);
  run.cancelId = params.id;
  if (run.status === 'running') ask(run.worker ?? '', run.id);
  else if (run.status === 'waiting') wake(run, now);
  else run.dueAt = now;
  return { outcome: 'asked', wakeUp: toDueRun(run, now) };
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
      run.turn = undefined;
    }
  }
  const keyed = run.status === 'running' ? {} : keyedOf(run);
  return { outcome: 'paused', status: run.status, ...keyed };
}

export function resume(run: StoredRun, data: Uint8Array, now: number): ResumeOutcome {
  const isRetry = run.status === 'failed' || run.status === 'quarantined';
  const isPaused = run.paused;
  run.paused = false;
  if ((!isPaused && !isRetry) || run.status === 'running') {
    return { outcome: 'notResumable', status: run.status };
  }
  raiseFence(run, now);
  append(run, { type: isRetry ? 'operator.retried' : 'operator.resumed', data }, now);
  // Whoever lets a run go on whose time is over does not mean it to fail at once.
  if ((run.deadlineAt ?? Infinity) <= now) run.deadlineAt = undefined;
  if (isRetry) {
    changeStatus(run, 'queued', now);
    absolve(run);
    run.lost = undefined;
    run.error = undefined;
    run.expiresAt = undefined;
    run.notifyPending = false;
    run.cancelPending = false;
    forgetCancel(run);
  }
  const status: RunStatus = run.status;
  run.dueAt = status === 'waiting' && run.wokenAt === undefined ? nextPoll(run, now) : now;
  return { outcome: 'resumed', wakeUp: toDueRun(run, now) };
}

/** Whoever cancelled a run before it failed did not mean the one that a person lets go on; and may ask again. */
function forgetCancel(run: StoredRun): void {
  const place = run.inbox.findIndex(({ kind }) => kind === 'cancel');
  const [pending] = place < 0 ? [] : run.inbox.splice(place, 1);
  for (const id of [pending?.id, run.cancelId]) if (id !== undefined) run.seen.delete(id);
  run.cancelId = undefined;
}

function receive(run: StoredRun, message: Omit<PostParams, 'run'>, now: number): void {
  const { id, kind, name, data, key, wait, actor } = message;
  run.seen.add(id);
  run.inbox.push({
    id,
    kind,
    name,
    data: copy(data),
    at: now,
    ...(key === undefined ? {} : { key }),
    ...(wait === undefined ? {} : { wait }),
    ...(actor === undefined ? {} : { actor }),
  });
}
