import type { Invariant } from './invariant.ts';

export const aboutIndexes: readonly Invariant[] = [];
