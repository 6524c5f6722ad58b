/**
 * How a run with a key gets its turn, and gives it back: see `core/turns.ts`.
 *
 *   start, sweeper, worker (refused claim) ──▶ enter ──▶ granted ──▶ admit ──▶ wake-up
 *                                                │          └─ useless: given back, and what that grants is settled, too
 *                                                └─ older runs that are to make way: cancelled
 *
 * Everything here may stop at any point, or be done twice by two processes. A run that did not get in is due, so a sweeper
 * asks for it. A turn that was granted and not admitted is looked at again. Older runs that are to make way are told of
 * again with each `enter` of the newer one, until they are gone.
 */
import { RunError } from '../../core/errors.ts';
import { defaults } from '../../core/limits.ts';
import type { NeededTurn } from '../../core/due-run.ts';
import type { Logger } from '../../core/logger.ts';
import type { WakeUp } from '../../core/queue.ts';
import type { RunRecord } from '../../core/run.ts';
import type { RunStore } from '../../core/store.ts';
import type { EnterParams, Keyed, LimitsOfCode, Turn } from '../../core/turns.ts';
import { encodeError, encodeRecord } from '../payloads.ts';

export interface TurnParts {
  readonly store: Pick<RunStore, 'cancel' | 'turns'>;
  readonly logger: Logger;
  readonly wake: Wake;
}

/**
 * Sends a wake-up. Never rejects, because the run is due in any case. `isFair`: behind those that were sent before, because
 * turns are granted in a fair order.
 */
export type Wake = (wakeUp: WakeUp, isFair?: true) => Promise<void>;

/** A run that needs a turn. */
export interface Waiting extends Pick<WakeUp, 'run' | 'workflow' | 'priority'> {
  readonly needs: NeededTurn;
}

/** What a record says of a run's need; undefined when it needs none. `begun`: a worker has had it. */
export function waitingFor(record: RunRecord): Waiting | undefined {
  const { id: run, workflow, priority, key, turn, birth, codeVersion } = record;
  if (key === undefined || turn !== undefined) return undefined;
  return { run, workflow, priority, needs: { key, birth, begun: codeVersion > 0 } };
}

/**
 * Asks for a turn. True when the run has it: then it is the caller's to go on with, and nobody was woken for it. Never
 * rejects: what was not done now is done by a sweeper.
 */
export async function askForTurn(
  parts: TurnParts,
  { run, workflow, priority = 0, needs }: Waiting,
  limits?: LimitsOfCode,
): Promise<boolean> {
  const { key, birth, begun } = needs;
  return enter(parts, {
    workflow,
    key,
    run,
    birth,
    priority,
    ...(begun ? { state: 'begun' } : {}),
    ...(limits === undefined ? {} : { limits }),
  });
}

/** A run that begins later takes the place of older ones now, where its workflow wants that. Never rejects. */
export async function takePlace(
  parts: TurnParts,
  { run, workflow, priority = 0, needs: { key, birth } }: Waiting,
  limits: LimitsOfCode,
): Promise<void> {
  if (limits.onBusy !== 'debounce') return;
  await enter(parts, { workflow, key, run, birth, priority, state: 'asleep', limits });
}

async function enter(parts: TurnParts, params: EnterParams): Promise<boolean> {
  const { store, logger } = parts;
  const { run } = params;
  try {
    const { older, granted } = await store.turns.enter(params);
    const [isAdmitted] = await Promise.all([
      settleTurns(parts, granted, run),
      ...older.map((one) => makeWay(parts, one, run)),
    ]);
    return isAdmitted;
  } catch (error) {
    logger.warn({ run, error: String(error) }, 'no turn asked for, a sweeper will ask');
    return false;
  }
}

/** An older run of the key is asked to end; one that has not begun is over at once. */
async function makeWay(parts: TurnParts, older: Keyed, newer: string): Promise<void> {
  const { store, wake } = parts;
  const { run } = older;
  const reason = `run ${newer} of the same key takes its place`;
  const outcome = await store.cancel({
    run,
    id: `turn ${newer}`,
    keepMs: defaults.keepMs,
    data: encodeRecord({ reason }),
    error: encodeError(new RunError('PAWL_RUN_CANCELLED', run, reason)),
  });
  if (outcome.outcome === 'asked') await wake(outcome.wakeUp, true);
  else await leaveLine(parts, older);
}

/**
 * Sees to turns that were granted, or are in doubt: a run that needs its turn gets it and is woken, any other turn is given
 * back. True when `own` has got its turn, which is not woken. Never rejects: a turn is looked at again until it is given
 * back.
 */
export async function settleTurns(
  parts: TurnParts,
  turns: readonly Turn[],
  own?: string,
): Promise<boolean> {
  const settled = await Promise.all(turns.map((turn) => settle(parts, turn, own)));
  return settled.includes(true);
}

async function settle(parts: TurnParts, turn: Turn, own: string | undefined): Promise<boolean> {
  const { store, logger, wake } = parts;
  try {
    const admitted = await store.turns.admit(turn, defaults.resendMs);
    if (admitted.outcome === 'kept') return false;
    if (admitted.outcome === 'useless') {
      const { granted } = await store.turns.leave(turn, turn.turn);
      return await settleTurns(parts, granted, own);
    }
    if (turn.run === own) return true;
    await wake(admitted.wakeUp, true);
  } catch (error) {
    logger.warn({ ...turn, error: String(error) }, 'a turn was not settled, trying again later');
  }
  return false;
}

/** A run that was cancelled, paused or deleted does not stand in line any more, and gives its turn back. Never rejects. */
export async function leaveLine(parts: TurnParts, keyed: Keyed | undefined): Promise<void> {
  if (keyed === undefined) return;
  const { store, logger } = parts;
  try {
    const { granted, held } = await store.turns.leave(keyed);
    await settleTurns(parts, held === undefined ? granted : [...granted, held]);
  } catch (error) {
    logger.warn(
      { ...keyed, error: String(error) },
      'a line was not left, its turn comes to nothing',
    );
  }
}
