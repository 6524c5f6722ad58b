/** How long a run was without an owner after its worker was killed, from the kill to the next claim. */
import type { ClaimedData, InterruptedData } from '../../../src/index.ts';
import type { Log } from './logs.ts';
import type { Kill } from './witness.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

export function takeoversOf(logs: readonly Log[], kills: readonly Kill[]): number[] {
  const killedAt = new Map(kills.map(({ worker, at }) => [worker, at]));
  return logs.flatMap(({ events }) =>
    events.flatMap((event, i) => {
      if (event.type !== 'run.interrupted') return [];
      const { worker } = event.data as InterruptedData;
      const at = killedAt.get(worker);
      const next = events.slice(i + 1).find(({ type }) => type !== 'run.interrupted');
      // Not killed, but frozen or cut off; or killed after it was taken for dead.
      if (at === undefined || at > event.at) return [];
      // A run that was paused meanwhile, or has ended, was not taken over.
      if (next?.type !== 'run.claimed' || (next.data as ClaimedData).takeover === undefined)
        return [];
      return [next.at - at];
    }),
  );
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1), count: sorted.length };
}
