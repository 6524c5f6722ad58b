/** What a queue tells of itself, for tests that need one to be paused. */
import type { QueueDepth } from 'pawl/store';

export function queueDepth(workflow: string, paused: boolean): QueueDepth {
  const counts = { waiting: 1, active: 0, failed: 0, sent: 1 };
  return { workflow, name: workflow, prefix: '{p}:bull', paused, ...counts };
}
