/** A pawl without Redis, for tests of the engine. */
import { Pawl } from 'pawl';
import type { Parts } from 'pawl';
import { MemoryResumeQueue } from '../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';

export function memoryPawl(parts: Partial<Parts> = {}): {
  readonly pawl: Pawl;
  readonly store: MemoryRunStore;
} {
  const store = new MemoryRunStore();
  return { store, pawl: Pawl.assemble({ store, queue: new MemoryResumeQueue(), ...parts }) };
}
