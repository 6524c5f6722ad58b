import type { Invariant } from './invariant.ts';

export const aboutReports: readonly Invariant[] = [];
