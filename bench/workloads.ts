/** Every workload, in the order of the report. */
import type { Workload } from './workload.ts';
import { append } from './workloads/append.ts';

export const workloads: readonly Workload[] = [...append];
