/**
 * Whether a run is parked now: one pure decision.
 *
 * Parking is an optimisation: a parked run holds no slot and no memory. It is never a decision about the handler, which may
 * be at work with something that pawl does not know. A handler that goes on after it was parked claims its run again, and
 * then keeps its slot for a while: see `execution.ts`.
 */
import type { Release, Wait } from '../../core/store.ts';

/** How long a child that a parked run waits for may be silent before the two are compared. */
const pollMs = 3_000;
/** Shorter waits stay in place: parking and coming back costs about as much. */
const shortMs = 1_000;

export interface ParkingInput {
  /** When each wait is over, on the store's clock; undefined for as long as it takes. */
  readonly waits: readonly { readonly until?: number }[];
  /** A body does anything but wait. */
  readonly isBusy: boolean;
  /** Everything submitted is durable. */
  readonly isIdle: boolean;
  /** The run is being cancelled: its time to clean up is bounded, so it stays. */
  readonly isCancelled: boolean;
  readonly isLeaving: boolean;
  /** When the run has failed if it has not ended before. */
  readonly deadlineAt: number | undefined;
  readonly now: number;
  /** Since when nothing has happened, and for how long nothing must have happened; milliseconds. */
  readonly quietMs: number;
  readonly stayMs: number;
}

export type Parking =
  | { readonly park: false; readonly retryMs?: number }
  /** `wakeMs`: until the first wait is over; undefined when only a message ends them. */
  | { readonly park: true; readonly wakeMs: number | undefined };

export function decideParking(input: ParkingInput): Parking {
  const { waits, isBusy, isIdle, isCancelled, isLeaving, now, deadlineAt } = input;
  if (waits.length === 0 || isBusy || !isIdle || isCancelled || isLeaving) return { park: false };
  const times = waits.flatMap(({ until }) => until ?? []);
  if (deadlineAt !== undefined) times.push(deadlineAt);
  let soonest = Infinity;
  for (const time of times) soonest = Math.min(soonest, time);
  const wakeMs = soonest === Infinity ? undefined : soonest - now;
  if (wakeMs !== undefined && wakeMs < shortMs) return { park: false };
  const { quietMs, stayMs } = input;
  if (quietMs < stayMs) return { park: false, retryMs: stayMs - quietMs };
  return { park: true, wakeMs };
}

/** How a run is let go of that waits so. `wakeMs`: until the first wait is over. */
export function parkedRelease(waits: readonly Wait[], wakeMs: number | undefined): Release {
  return {
    status: 'waiting',
    why: 'parked',
    waits,
    mayGoOn: true,
    ...(wakeMs === undefined ? {} : { wakeMs: Math.max(0, Math.ceil(wakeMs)) }),
    ...(waits.some(({ kind }) => kind === 'child') ? { pollMs } : {}),
  };
}
