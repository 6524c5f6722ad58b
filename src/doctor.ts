/** `pawl/doctor`: what `pawl doctor` and `pawl drill` do, as functions. */
export { drill } from './drill.ts';
export { doctor } from './redis/doctor.ts';
export type { DrillOptions, DrillReport, DrillRound } from './drill.ts';
export type { Check } from './redis/check.ts';
export type { DoctorReport, DoctorOptions } from './redis/doctor.ts';
export type { Damage, KindSize } from './redis/index-check.ts';
