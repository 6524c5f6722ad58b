/** Every bed by its name. */
import type { Bed } from './bed.ts';
import { bullBed, bullBedListening } from './bullmq.ts';
import { pawlBed } from './pawl.ts';
import { rawBed } from './raw.ts';

export const beds = {
  raw: rawBed,
  bullmq: bullBed,
  'bullmq, one listener': bullBedListening,
  pawl: pawlBed,
} as const satisfies Readonly<Record<string, Bed>>;

export type BedName = keyof typeof beds;

/** In one process nobody waits by a listener, so one bed of BullMQ is enough. */
export const bedsOfOneProcess: readonly BedName[] = ['raw', 'bullmq', 'pawl'];
