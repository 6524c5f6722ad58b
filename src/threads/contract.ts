/**
 * The methods of a run store and a resume queue that go from thread to thread. A method that the contracts have and that is
 * not here does not compile.
 */
import type { RunStore } from '../core/store.ts';

type PartName = {
  [Name in keyof RunStore]: RunStore[Name] extends (...args: never) => unknown ? never : Name;
}[keyof RunStore];

/** The name of each method, once. */
type Methods<Part> = Readonly<Record<keyof Part, true>>;

/** What is done with many runs, or beside living them: each an object of the store. */
export const parts: { readonly [Name in PartName]: Methods<RunStore[Name]> } = {
  archive: { compact: true, forget: true, measure: true, remove: true, count: true },
  blobs: { note: true, of: true, drop: true, collect: true, collected: true },
  fleet: {
    register: true,
    beat: true,
    settled: true,
    deregister: true,
    elect: true,
    due: true,
    interrupt: true,
    unproven: true,
    workers: true,
    registered: true,
    alive: true,
    atWork: true,
    holders: true,
    held: true,
    recoveries: true,
    drain: true,
  },
  lists: { runs: true, deletions: true },
  observation: { now: true, stats: true, statsOver: true, health: true, status: true, watch: true },
  outputs: { write: true, read: true, watch: true },
  questions: { put: true, open: true, reply: true, readReply: true, withdraw: true },
  schedules: {
    save: true,
    remove: true,
    read: true,
    hold: true,
    list: true,
    due: true,
    advance: true,
    postpone: true,
  },
  transfer: { export: true, stage: true, restore: true, discard: true },
  turns: { enter: true, admit: true, leave: true, due: true, hold: true, limit: true },
};

/** Of one run. `close` is not among them: a thread closes its own end. */
export const ofRuns: Methods<Omit<RunStore, PartName | 'close'>> = {
  create: true,
  claim: true,
  commit: true,
  post: true,
  cancel: true,
  pause: true,
  resume: true,
  progress: true,
  parentNotified: true,
  childrenCancelled: true,
  delete: true,
  record: true,
  load: true,
  events: true,
  checkpoints: true,
  recall: true,
  channels: true,
  readInbox: true,
  sample: true,
};
