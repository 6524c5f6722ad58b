/** Every workload, in the order of the report. */
import type { Workload } from './workload.ts';
import { append } from './workloads/append.ts';
import { load } from './workloads/load.ts';
import { save } from './workloads/save.ts';

export const workloads: readonly Workload[] = [...append, ...save, load];
