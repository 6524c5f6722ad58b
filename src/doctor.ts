/** `pawl/doctor`: what `pawl doctor` and `pawl drill` do, as functions. */
export { drill } from './drill.ts';
export { examine } from './redis/examination.ts';
export type { DrillOptions, DrillReport, DrillRound } from './drill.ts';
export type { Check } from './redis/check.ts';
export type { Examination, ExamineOptions } from './redis/examination.ts';
export type { Damage, KindSize } from './redis/index-survey.ts';
