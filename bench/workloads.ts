/** Every workload, in the order of the report. */
import type { Workload } from './workload.ts';
import { append } from './workloads/append.ts';
import { crowds } from './workloads/crowds.ts';
import { growth } from './workloads/growth.ts';
import { heldSteps } from './workloads/held-steps.ts';
import { load } from './workloads/load.ts';
import { memory } from './workloads/memory.ts';
import { recovery } from './workloads/recovery.ts';
import { save } from './workloads/save.ts';
import { wholeRuns } from './workloads/steps.ts';

export const workloads: readonly Workload[] = [
  ...append,
  ...save,
  load,
  ...heldSteps,
  ...wholeRuns,
  ...crowds,
  recovery,
  ...growth,
  ...memory,
];
