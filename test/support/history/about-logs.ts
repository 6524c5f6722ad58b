import type { Invariant } from './invariant.ts';

export const aboutLogs: readonly Invariant[] = [];
