/**
 * Bugs to plant in the sources, one at a time, and the tests that must find each. A test that finds none of them may be
 * green for no reason. A house test holds every passage to the sources, so that the list cannot rot.
 */

/** What must turn red: a file of unit tests, or a history of the simulation. */
export type Judge =
  | { readonly unit: string }
  | { readonly simulation: { readonly seed: number; readonly calls: number } };

export interface Mutant {
  readonly name: string;
  /** Below `src/engine`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly passage: string;
  readonly by: string;
  /** Each of them finds it. */
  readonly foundBy: readonly Judge[];
}

const unit = (file: string): Judge => ({ unit: `test/unit/engine/${file}.test.ts` });

export const mutants: readonly Mutant[] = [
  {
    name: 'a snapshot is ahead of the log',
    file: 'execution/log-writer.ts',
    passage: 'if (isDrained) snapshot = this.#takeSnapshot(events, isLeaving);',
    by: 'snapshot = this.#takeSnapshot(events, isLeaving);',
    foundBy: [unit('execution/drafts')],
  },
  {
    name: 'a snapshot is taken wherever the fold stands',
    file: 'execution/snapshot-schedule.ts',
    passage: 'if (fold.seq !== upTo) {',
    by: 'if (fold.seq < upTo) {',
    foundBy: [unit('execution/snapshot-schedule')],
  },
  {
    name: 'a commit may have any number of bytes',
    file: 'execution/submissions.ts',
    passage: 'events > fixedLimits.eventsPerCommit || bytes > fixedLimits.bytesPerCommit',
    by: 'events > fixedLimits.eventsPerCommit',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'a refused snapshot is tried again',
    file: 'execution/log-writer.ts',
    passage: 'this.#run.snapshots.stop();',
    by: '',
    foundBy: [unit('execution/drafts')],
  },
  {
    name: 'a batch that is handed back is told that it is durable',
    file: 'execution/log-writer.ts',
    passage: 'const sent = { params, kept, beganAt, batch: isLeaving ? [] : batch };',
    by: 'const sent = { params, kept, beganAt, batch };',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'a fenced owner does not look for a rewind',
    file: 'execution/log-writer.ts',
    passage: 'detach(lookForRewind(this.#services, this.#rewound(), this.#seq), this.#onUntold);',
    by: '',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'riders of a refused parking are dropped',
    file: 'execution/log-writer.ts',
    passage: 'this.#submissions.putBack(riders);',
    by: '',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'a draft is kept after a reducer has thrown',
    file: 'execution/log-writer.ts',
    passage: 'else fold.applyAll(writes.map(toFoldEvent));',
    by: 'else for (const write of writes) fold.apply(toFoldEvent(write));',
    foundBy: [unit('execution/drafts')],
  },
  {
    name: 'a parking refused for a message does not read the inbox',
    file: 'execution/handler-runtime.ts',
    passage: "if (outcome === 'mail') this.#inbox.look();",
    by: '',
    foundBy: [unit('execution/inbox')],
  },
  {
    name: 'an inbox that is being read is not read again',
    file: 'execution/inbox.ts',
    passage: 'this.#lookAgain = true;',
    by: '',
    foundBy: [unit('execution/inbox')],
  },
  {
    name: 'a sweeper judges presence right after a stall',
    file: 'worker/sweeper.ts',
    passage: 'if (now < this.#settledMonotonic) continue;',
    by: '',
    foundBy: [unit('worker/sweeper-truth')],
  },
  {
    name: 'a sweeper judges sessions right after a stall',
    file: 'worker/sweeper.ts',
    passage: 'if (!stalled && !isOld) taken.push(',
    by: 'if (!isOld) taken.push(',
    foundBy: [unit('worker/sweeper-truth')],
  },
  {
    name: 'an ended run is deleted whatever has become of it',
    file: 'worker/sweeper.ts',
    passage: 'store.delete(run.run, undefined, run)',
    by: 'store.delete(run.run)',
    foundBy: [unit('worker/sweeper'), unit('worker/sweeper-truth')],
  },
  {
    name: 'a parent counts as told when the news are on their way',
    file: 'runs/family.ts',
    passage:
      "const isOwed = posted.outcome === 'posted' || (posted.outcome === 'known' && !posted.taken);",
    by: 'const isOwed = false;',
    foundBy: [unit('execution/family-notices')],
  },
  {
    name: 'news of a child are forgotten before they are stored',
    file: 'execution/inbox.ts',
    passage: `await writer.submit(write === undefined ? [] : [write], { taken: [id] });
    if (kind === 'child' && write !== undefined) this.#noteTold(write.value as ChildEnd);`,
    by: `if (kind === 'child' && write !== undefined) this.#noteTold(write.value as ChildEnd);
    await writer.submit(write === undefined ? [] : [write], { taken: [id] });`,
    foundBy: [unit('execution/family-notices')],
  },
  {
    name: 'an attempt begins though the run is being cancelled',
    file: 'execution/steps.ts',
    passage: 'if (signal.aborted) throw this.#cancelled(signal);',
    by: '',
    foundBy: [unit('execution/cancellation')],
  },
  {
    name: 'the end of a pause before a retry is not stored',
    file: 'execution/steps.ts',
    passage: 'const retried: StepRetriedData = { ...data, dueAt };',
    by: 'const retried: StepRetriedData = { ...data, dueAt: 0 };',
    foundBy: [unit('execution/bodies'), { simulation: { seed: 1, calls: 4_000 } }],
  },
  {
    // To take out only the guard where an inner step is asked for changes nothing: the one before its body stands for it.
    name: 'a body inside of an attempt that is over may still store its result',
    file: 'execution/steps.ts',
    passage: 'if (bodies.isOver(at)) return never();',
    by: '',
    foundBy: [unit('execution/bodies')],
  },
  {
    name: 'a wait that was withdrawn goes on waiting',
    file: 'execution/waits.ts',
    passage: 'if (!this.#waits.delete(wait)) return;',
    by: 'if (!this.#waits.has(wait)) return;',
    foundBy: [unit('execution/races')],
  },
  {
    name: 'a worker that was frozen begins a body without a look',
    file: 'execution/handler-runtime.ts',
    passage: 'const confirmed = this.#owner.confirm();',
    by: 'const confirmed = undefined as Promise<void> | undefined;',
    foundBy: [{ simulation: { seed: 1, calls: 15_000 } }],
  },
  {
    name: 'older code takes what newer code has written',
    file: 'execution/claim.ts',
    passage: '...(settings.allowDowngrade ? { anyVersion: true } : {}),',
    by: 'anyVersion: true,',
    foundBy: [unit('execution/versions')],
  },
  {
    name: 'an effect in doubt is not asked about',
    file: 'execution/effects.ts',
    passage: 'if (fold.effect(name) === undefined) return undefined;',
    by: 'return undefined;',
    foundBy: [unit('execution/effects'), { simulation: { seed: 1, calls: 6_000 } }],
  },
  {
    name: 'a keeper drops a time before it has noted its run',
    file: 'schedules/keeper.ts',
    passage: 'started.length === 0 ? due : await this.#note(due, schedule, started);',
    by: 'due;',
    foundBy: [{ simulation: { seed: 3, calls: 15_000 } }],
  },
];
