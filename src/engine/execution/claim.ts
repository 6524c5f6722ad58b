/**
 * Claims a run until there is an answer. A claim that took effect unseen is answered again, because its token is the same;
 * a run that cannot even be claimed, because its data is damaged, is quarantined.
 */
import { PawlError } from '../../core/errors.ts';
import type { WakeUp } from '../../core/queue.ts';
import type { ClaimOutcome, ClaimParams } from '../../core/store.ts';
import type { Turn } from '../../core/turns.ts';
import { type AnyWorkflow, turnLimitsOf } from '../definition/workflow.ts';
import { askForTurn } from '../runs/turns.ts';
import { quarantineUnread } from './quarantine.ts';
import type { ExecutionServices } from './services.ts';

export type Claimed = Extract<ClaimOutcome, { outcome: 'claimed' }>;

type Services = Pick<
  ExecutionServices,
  'store' | 'worker' | 'clock' | 'logger' | 'newToken' | 'settings' | 'wake'
>;

/** A run whose claim was made along with it. */
export interface FirstRun {
  /** Undefined when there is none to go on with. */
  readonly claimed: () => Promise<Claimed | undefined>;
  /** False when something holds its handler back: then the run was handed back. */
  readonly mayBegin: (claimed: Claimed) => Promise<boolean>;
}

/** What is to be claimed, and the code that is to execute it. */
export interface Wanted {
  readonly wakeUp: WakeUp;
  readonly workflow: AnyWorkflow;
}

export const claimRetryMs = 100;

/** Undefined when there is nothing to claim, or `isWanted` has turned false. */
export async function claimRun(
  services: Services,
  { wakeUp, workflow }: Wanted,
  how: Partial<Pick<ClaimParams, 'expectedFence' | 'reclaim' | 'token'>>,
  isWanted: () => boolean,
): Promise<Claimed | undefined> {
  const { store, worker, logger, newToken, clock, settings } = services;
  const { run, fence } = wakeUp;
  const params = {
    run,
    expectedFence: fence,
    worker,
    codeVersion: workflow.version,
    token: newToken(),
    ...(settings.allowDowngrade ? { anyVersion: true } : {}),
    ...how,
  };
  while (isWanted()) {
    try {
      const outcome = await store.claim(params);
      if (outcome.outcome === 'claimed') return outcome;
      if (outcome.outcome === 'unadmitted') {
        const { needs } = outcome;
        const waiting = { run, workflow: workflow.name, priority: needs.priority, needs };
        if (await askForTurn(services, waiting, turnLimitsOf(workflow))) continue;
      }
      if (outcome.outcome === 'newer') {
        logger.info(
          { run, needs: outcome.codeVersion, has: workflow.version },
          'the run waits for newer code',
        );
      }
      logger.debug({ run, ...outcome }, 'nothing to claim');
      return undefined;
    } catch (error) {
      if (PawlError.is(error) && error.code === 'PAWL_CORRUPT') {
        await quarantineUnread(services, { run, owner: params.token }, error);
        return undefined;
      }
      if (PawlError.is(error) && error.code === 'PAWL_CLOSED') {
        logger.error({ run, error: String(error) }, 'claim failed');
        return undefined;
      }
      if (!(PawlError.is(error) && error.code === 'PAWL_NOT_DURABLE')) {
        logger.warn({ run, error: String(error) }, 'claim found no answer, trying again');
      }
      await clock.sleep(claimRetryMs);
    }
  }
  return undefined;
}

/** The turn that a run was claimed with; undefined for a run without a key. */
export function turnOf({ record }: Claimed): Turn | undefined {
  const { workflow, key, id: run, birth, turn } = record;
  return key === undefined || turn === undefined ? undefined : { workflow, key, run, birth, turn };
}
