/**
 * The start of a run that a worker of the same process takes in the same step: the script that makes the run claims it.
 *
 *   start ──place of the consumer──▶ make and claim, in one script ──▶ claimed ──nothing holds it back──▶ handler
 *     │                              look at the queue, meanwhile ──▶    └──something does──▶ handed back, wake-up sent
 *     └─ no place, or not such a run ──▶ made as ever, wake-up sent
 *
 * Whatever holds a wake-up back holds the handler back: places, a pause of the queue, others that wait in it. Runs that are
 * to begin later, in turns, or by priority, are never made so, and neither are those of a workflow with a rate. During a
 * turn of suspects no run is made so, because it would have to wait.
 *
 * The process dies before the script: there is no run. After it: the run is held by a dead worker, as any claimed run, and
 * interrupted and claimed elsewhere. The answer is lost: the start says that it does not know, and the claim is asked for
 * again, by its token; the run is executed if it is there. The process dies while it hands the run back: as above.
 */
import { PawlError } from '../../core/errors.ts';
import type { Consumer, Delivery, WakeUp } from '../../core/queue.ts';
import type { CreateOutcome, FirstClaim } from '../../core/store.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { type Claimed, claimRun } from '../execution/claim.ts';
import { persist } from '../execution/commit-retry.ts';
import type { DeliveredRun } from '../execution/execution.ts';
import type { StartHere } from '../runs-here.ts';
import type { WorkerServices } from './services.ts';

/** The worker that is to have the run. */
export interface Taker {
  readonly services: WorkerServices;
  readonly consumer: Consumer | undefined;
  readonly execute: (delivered: DeliveredRun) => Promise<Delivery>;
  /** The run was handed back, and others are to have it. */
  readonly wakeOthers: (wakeUp: WakeUp) => Promise<void>;
}

/** What belongs to one start. */
interface First {
  readonly wakeUp: WakeUp;
  readonly workflow: AnyWorkflow;
  readonly claim: FirstClaim;
  readonly created: Promise<CreateOutcome>;
  readonly isClear: Promise<boolean>;
}

/** Undefined when the worker has no place; then `make` was not called. */
export function startHere(
  taker: Taker,
  workflow: AnyWorkflow,
  run: string,
  make: Parameters<StartHere>[2],
): Promise<CreateOutcome> | undefined {
  const { services, consumer, execute } = taker;
  const wakeUp = { run, workflow: workflow.name, fence: 0, losses: 0 };
  let created: Promise<CreateOutcome> | undefined;
  consumer?.begin?.(wakeUp, (isClear) => {
    const token = services.newToken();
    const claim = { worker: services.worker, codeVersion: workflow.version, token };
    const making = make(claim);
    created = making;
    const first = { wakeUp, workflow, claim, created: making, isClear };
    return execute({
      wakeUp,
      workflow,
      report: () => undefined,
      first: {
        claimed: () => answered(taker, first),
        mayBegin: (claimed) => mayBegin(taker, first, claimed),
      },
    });
  });
  return created;
}

/** False when the run was handed back. */
async function mayBegin(taker: Taker, first: First, claimed: Claimed): Promise<boolean> {
  if (await first.isClear) return true;
  const { services, wakeOthers } = taker;
  const { ownership, record } = claimed;
  const { newToken, settings } = services;
  const release = { status: 'queued', resendMs: settings.resendMs } as const;
  const token = newToken();
  await persist({ ...ownership, token, expectedSeq: record.seq, events: [], release }, services);
  await wakeOthers({ ...first.wakeUp, fence: ownership.fence });
  return false;
}

async function answered({ services }: Taker, first: First): Promise<Claimed | undefined> {
  try {
    const created = await first.created;
    return created.outcome === 'created' ? created.claimed : undefined;
  } catch (error) {
    // Who starts it is told as well. What was refused is no run.
    if (!(PawlError.is(error) && error.outcome === 'unknown')) return undefined;
    return claimRun(services, first, { token: first.claim.token }, () => true);
  }
}
