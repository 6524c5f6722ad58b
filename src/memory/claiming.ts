/** Who may take a run, and what becomes of it then. */
import type { ClaimedData } from '../core/event.ts';
import type { ClaimOutcome, ClaimParams } from '../core/store.ts';
import { toTakeover } from './reading.ts';
import {
  append,
  changeStatus,
  endWait,
  isAwake,
  json,
  lastSeq,
  neededTurn,
  raiseFence,
  refuse,
  type StoredRun,
} from './stored-run.ts';

/** Takes the run, or says why not; `repeated` when this very claim has taken it before. */
export function claim(
  run: StoredRun,
  params: ClaimParams,
  now: number,
): 'taken' | 'repeated' | Exclude<ClaimOutcome, { readonly outcome: 'claimed' }> {
  if (run.status === 'running' && run.owner === params.token) return 'repeated';
  if (params.expectedFence !== undefined && params.expectedFence !== run.fence) {
    return { outcome: 'stale', fence: run.fence };
  }
  if (run.unmanaged !== (params.unmanaged ?? false))
    return { outcome: 'notClaimable', status: run.status };
  const { status, worker = '' } = run;
  if (status === 'running' && !run.unmanaged) return { outcome: 'held', worker };
  const isRipe = status === 'waiting' && (isAwake(run, now) || params.reclaim === true);
  const isFree = ['queued', 'interrupted', 'running'].includes(status);
  if (run.paused || !(isFree || isRipe)) return { outcome: 'notClaimable', status };
  if (params.codeVersion < run.wroteVersion && params.anyVersion !== true) {
    refuse(run, now);
    return { outcome: 'newer', codeVersion: run.wroteVersion };
  }
  if (run.key !== undefined && run.turn === undefined) {
    // A handler that goes on has woken its run; another execution goes on when the run has its turn.
    if (status === 'waiting') run.wokenAt ??= now;
    return { outcome: 'unadmitted', needs: { ...neededTurn(run), priority: run.priority } };
  }
  raiseFence(run, now);
  changeStatus(run, 'running', now);
  run.worker = params.worker;
  run.owner = params.token;
  run.codeVersion = params.codeVersion;
  run.wroteVersion = Math.max(run.wroteVersion, params.codeVersion);
  run.refused = 0;
  endWait(run);
  run.dueAt = undefined;
  if (run.lost !== undefined) {
    run.lost.claimMs = Math.max(0, now - run.lost.at);
    run.takeovers += 1;
  }
  const takeover = toTakeover(run);
  const data: ClaimedData = {
    worker: params.worker,
    codeVersion: params.codeVersion,
    ...(takeover === undefined ? {} : { takeover }),
  };
  append(run, { type: 'run.claimed', data: json(data) }, now);
  run.claimSeq = lastSeq(run);
  return 'taken';
}
