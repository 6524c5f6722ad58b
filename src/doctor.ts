/** `pawl/doctor`: what `pawl doctor` and `pawl drill` do, as functions. */
export { drill } from './drill.ts';
export { doctor } from './redis/doctor.ts';
export type { DrillOptions, DrillReport, DrillRound } from './drill.ts';
export type { Check, Damage, DoctorReport, KindSize } from './core/doctor.ts';
export type { DoctorOptions } from './redis/doctor.ts';
