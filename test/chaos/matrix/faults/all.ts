import type { Fault } from '../fault.ts';
import { workerKill } from './worker-kill.ts';

export const faults: readonly Fault[] = [workerKill];
