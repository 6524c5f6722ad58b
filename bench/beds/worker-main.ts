/**
 * A worker's process: `worker-main.js '{"bed":…,"url":…,"concurrency":…,"tells":…}'`. Says when it is ready, tells of each
 * run that begins if it is to, and ends when its parent has left.
 */
import { sharedClock } from '../timing.ts';
import { type BedName, beds } from './beds.ts';

export interface WorkerProcessSetup {
  readonly bed: BedName;
  readonly url: string;
  readonly concurrency: number;
  /** Tells of each first step. Costs the worker a message, so it does not where rates are measured. */
  readonly tells: boolean;
}

export type Told = { readonly ready: true } | { readonly begun: string; readonly at: number };

function tell(told: Told): void {
  process.send?.(told);
}

const { bed, url, concurrency, tells } = JSON.parse(process.argv[2] ?? '{}') as WorkerProcessSetup;
const hands = await beds[bed].worker({
  url,
  concurrency,
  begun: tells ? (id) => tell({ begun: id, at: sharedClock() }) : () => undefined,
});
process.once('disconnect', () => {
  void hands.close().finally(() => process.exit());
});
tell({ ready: true });
