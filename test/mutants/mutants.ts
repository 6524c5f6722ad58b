/**
 * Bugs to plant in the sources, one at a time, and the tests that must find each. A test that finds none of them may be
 * green for no reason. A house test holds every passage to the sources, so that the list cannot rot.
 */

/** What must turn red: a file of unit tests, a file of tests on a Redis, or a history of the simulation. */
export type Judge =
  | { readonly unit: string }
  | { readonly redis: string }
  | { readonly simulation: { readonly seed: number; readonly calls: number } };

export interface Mutant {
  readonly name: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly passage: string;
  readonly by: string;
  /** Each of them finds it. */
  readonly foundBy: readonly Judge[];
}

const unit = (file: string): Judge => ({ unit: `test/unit/engine/${file}.test.ts` });
const suite: Judge = { redis: 'test/conformance/redis.test.ts' };
const history = (seed: number, calls: number): Judge => ({ simulation: { seed, calls } });

export const mutants: readonly Mutant[] = [
  {
    name: 'a large value is referred to and never put',
    file: 'blobs/writing.ts',
    passage: 'await this.put(run, aside);',
    by: '',
    foundBy: [{ unit: 'test/unit/blobs/blobs.test.ts' }],
  },
  {
    name: 'a deleted run leaves its blobs to nobody',
    file: 'redis/lua/delete.lua',
    passage: 'leaveBlobs(base, id)\nredis',
    by: 'redis',
    foundBy: [suite],
  },
  {
    name: 'an answer that was kept is made anew',
    file: 'engine/execution/answers.ts',
    passage: "if (kept !== undefined) return { is: 'value', value: kept };",
    by: '',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'an answer is made before the handler has caught up',
    file: 'engine/execution/deliveries.ts',
    passage: '#isCaughtUp = false;',
    by: '#isCaughtUp = true;',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'of two answers the later one does not see what the first one changed',
    file: 'engine/execution/answers.ts',
    passage: 'isThenable(given) ? await given : given',
    by: 'await given',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'an answer writes by ctx',
    file: 'engine/execution/handler-runtime.ts',
    passage: 'if (refusal !== undefined) return Promise.reject(refusal);',
    by: '',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'a run parks over an open question',
    file: 'redis/lua/commit.lua',
    passage: "return {'unread', 'asked'}",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a wait takes the signals of any key',
    file: 'engine/execution/waits.ts',
    passage: '(key === undefined || signal.key === key) &&',
    by: '',
    foundBy: [unit('execution/keyed-waits')],
  },
  {
    name: 'of two answers to a wait both are taken',
    file: 'redis/lua/post.lua',
    passage: "if first then return {'answered', first} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a snapshot is ahead of the log',
    file: 'engine/execution/log-writer.ts',
    passage: 'if (isDrained) snapshot = this.#takeSnapshot(events, isLeaving);',
    by: 'snapshot = this.#takeSnapshot(events, isLeaving);',
    foundBy: [unit('execution/drafts')],
  },
  {
    name: 'a snapshot is taken wherever the fold stands',
    file: 'engine/execution/snapshot-schedule.ts',
    passage: 'if (fold.seq !== upTo) {',
    by: 'if (fold.seq < upTo) {',
    foundBy: [unit('execution/snapshot-schedule')],
  },
  {
    name: 'a commit may have any number of bytes',
    file: 'engine/execution/submissions.ts',
    passage: 'events > fixedLimits.eventsPerCommit || bytes > fixedLimits.bytesPerCommit',
    by: 'events > fixedLimits.eventsPerCommit',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'a refused snapshot is tried again',
    file: 'engine/execution/log-writer.ts',
    passage: 'this.#run.snapshots.stop();',
    by: '',
    foundBy: [unit('execution/drafts')],
  },
  {
    name: 'a batch that is handed back is told that it is durable',
    file: 'engine/execution/log-writer.ts',
    passage: 'const sent = { params, checkpoints, beganAt, batch: isLeaving ? [] : batch };',
    by: 'const sent = { params, checkpoints, beganAt, batch };',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'a fenced owner does not look for a rewind',
    file: 'engine/execution/log-writer.ts',
    passage: 'detach(detectRewind(this.#services, this.#rewound(), this.#seq), this.#onUndecided);',
    by: '',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'piggybacks of a refused parking are dropped',
    file: 'engine/execution/log-writer.ts',
    passage: 'this.#submissions.putBack(piggybacks);',
    by: '',
    foundBy: [unit('execution/log-writer')],
  },
  {
    name: 'a draft is kept after a reducer has thrown',
    file: 'engine/execution/log-writer.ts',
    passage: 'else fold.applyAll(writes.map(toFoldEvent));',
    by: 'else for (const write of writes) fold.apply(toFoldEvent(write));',
    foundBy: [unit('execution/drafts')],
  },
  {
    name: 'a parking refused for a message does not read the inbox',
    file: 'engine/execution/handler-runtime.ts',
    passage: "if (outcome === 'unread') this.#inbox.poll();",
    by: '',
    foundBy: [unit('execution/inbox')],
  },
  {
    name: 'an inbox that is being read is not read again',
    file: 'engine/execution/inbox.ts',
    passage: 'this.#pollAgain = true;',
    by: '',
    foundBy: [unit('execution/inbox')],
  },
  {
    name: 'a sweeper judges presence right after a stall',
    file: 'engine/worker/sweeper.ts',
    passage: 'if (now < this.#settledMonotonic) continue;',
    by: '',
    foundBy: [unit('worker/sweeper-truth')],
  },
  {
    name: 'a sweeper judges sessions right after a stall',
    file: 'engine/worker/sweeper.ts',
    passage: 'if (!stalled && !isOld) taken.push(',
    by: 'if (!isOld) taken.push(',
    foundBy: [unit('worker/sweeper-truth')],
  },
  {
    name: 'an ended run is deleted whatever has become of it',
    file: 'engine/worker/sweeper.ts',
    passage: 'store.delete(run.run, undefined, run)',
    by: 'store.delete(run.run)',
    foundBy: [unit('worker/sweeper'), unit('worker/sweeper-truth')],
  },
  {
    name: 'a parent counts as told when the news are on their way',
    file: 'engine/runs/family.ts',
    passage:
      "return !(posted.outcome === 'posted' || (posted.outcome === 'known' && !posted.taken));",
    by: 'return posted.outcome !== undefined;',
    foundBy: [unit('execution/family-notices')],
  },
  {
    name: 'a hook counts as begun when it was created',
    file: 'engine/runs/end-hooks.ts',
    passage: 'await wakeOrQueue(parts, made);\n  return false;',
    by: 'await wakeOrQueue(parts, made);\n  return true;',
    foundBy: [unit('runs/end-hooks')],
  },
  {
    name: 'a turn that was given up is had again',
    file: 'redis/lua/admit.lua',
    passage: "if tonumber(turn) <= tonumber(m[4] or '0') then return {'useless'} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a run that waits keeps its turn',
    file: 'redis/lua/commit.lua',
    passage: "if status ~= 'queued' or m[7] then redis.call('HDEL', run, 'turn') end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a key with a turn stays in front of the others',
    file: 'redis/lua/parts/turns.lua',
    passage: "redis.call('ZADD', ready, text(round), key)",
    by: "redis.call('ZADD', ready, 0, key)",
    foundBy: [suite],
  },
  {
    name: 'a turn that nobody gave back is never looked at',
    file: 'engine/worker/turn-keeper.ts',
    passage: '[...granted, ...doubtful]',
    by: 'granted',
    foundBy: [unit('worker/turns')],
  },
  {
    name: 'a run is told of though its hook has not begun',
    file: 'redis/lua/settle-family.lua',
    passage: "if m[3] and ARGV[3] == 'notifyPending' and ARGV[4] == '' then return {'missing'} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'news of a child are forgotten before they are stored',
    file: 'engine/execution/inbox.ts',
    passage: `await writer.submit(write === undefined ? [] : [write], { taken: [id] });
    if (kind === 'child' && write !== undefined) this.#noteTold(write.value as ChildEnd);`,
    by: `if (kind === 'child' && write !== undefined) this.#noteTold(write.value as ChildEnd);
    await writer.submit(write === undefined ? [] : [write], { taken: [id] });`,
    foundBy: [unit('execution/family-notices')],
  },
  {
    name: 'an attempt begins though the run is being cancelled',
    file: 'engine/execution/steps.ts',
    passage: 'if (signal.aborted) throw this.#cancelled(signal);',
    by: '',
    foundBy: [unit('execution/cancellation')],
  },
  {
    name: 'the end of a pause before a retry is not stored',
    file: 'engine/execution/steps.ts',
    passage: 'const retried: StepRetriedData = { ...data, dueAt };',
    by: 'const retried: StepRetriedData = { ...data, dueAt: 0 };',
    foundBy: [unit('execution/bodies'), history(1, 4_000)],
  },
  {
    // To take out only the guard where an inner step is asked for changes nothing: the one before its body stands for it.
    name: 'a body inside of an attempt that is over may still store its result',
    file: 'engine/execution/steps.ts',
    passage: 'if (bodies.isOver(at)) return never();',
    by: '',
    foundBy: [unit('execution/bodies')],
  },
  {
    name: 'a wait that was withdrawn goes on waiting',
    file: 'engine/execution/waits.ts',
    passage: 'if (!this.#waits.delete(wait)) return;',
    by: 'if (!this.#waits.has(wait)) return;',
    foundBy: [unit('execution/races')],
  },
  {
    name: 'a worker that was frozen begins a body without a look',
    file: 'engine/execution/handler-runtime.ts',
    passage: 'const confirmed = this.#owner.confirm();',
    by: 'const confirmed = undefined as Promise<void> | undefined;',
    foundBy: [history(8, 40_000)],
  },
  {
    name: 'older code takes what newer code has written',
    file: 'engine/execution/claim.ts',
    passage: '...(settings.allowDowngrade ? { anyVersion: true } : {}),',
    by: 'anyVersion: true,',
    foundBy: [unit('execution/versions')],
  },
  {
    name: 'an effect in doubt is not asked about',
    file: 'engine/execution/effects.ts',
    passage: 'if (fold.effect(name) === undefined) return undefined;',
    by: 'return undefined;',
    foundBy: [unit('execution/effects'), history(1, 6_000)],
  },
  {
    name: 'a keeper drops a time before it has noted its run',
    file: 'engine/schedules/keeper.ts',
    passage: 'started.length === 0 ? due : await this.#note(due, schedule, started);',
    by: 'due;',
    foundBy: [history(3, 15_000)],
  },
  {
    name: 'an append does not look at the fence',
    file: 'redis/lua/append.lua',
    passage: 'if m[1] ~= fence or m[2] ~= owner then',
    by: 'if false then',
    foundBy: [suite],
  },
  {
    name: 'an append does not know its repetition',
    file: 'redis/lua/append.lua',
    passage: 'if m[4] == token then',
    by: 'if false then',
    foundBy: [suite],
  },
  {
    name: 'an append does not notice that the log has gone back',
    file: 'redis/lua/append.lua',
    passage: "if m[3] ~= expected then return {'conflict', m[3]} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a wake-up of yesterday claims a run',
    file: 'redis/lua/claim.lua',
    passage: "if expectedFence ~= '' and expectedFence ~= fence then return {'stale', fence} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a message that comes again is taken for a new one',
    file: 'redis/lua/post.lua',
    passage: "redis.call('SADD', seen, message)",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'what is due is not sent again',
    file: 'engine/worker/sweeper.ts',
    passage: 'await Promise.all(due.map((run) => this.#attend(run, true)));',
    by: '',
    foundBy: [unit('worker/sweeper')],
  },
  {
    name: 'holders that nobody knows are not looked for',
    file: 'engine/worker/sweeper.ts',
    passage: 'await this.#findOrphans();',
    by: '',
    foundBy: [history(1, 15_000)],
  },
  {
    name: 'known results are handed over in the order in which they are asked for',
    file: 'engine/execution/deliveries.ts',
    passage: 'return (this.#sorted()[this.#next] ?? Infinity) >= seq;',
    by: 'return seq >= 0;',
    foundBy: [unit('execution/races')],
  },
  {
    name: 'a run is parked while a body is at work',
    file: 'engine/execution/parking.ts',
    passage: 'if (waits.length === 0 || isBusy || !isIdle',
    by: 'if (waits.length === 0 || !isIdle',
    foundBy: [unit('execution/parking')],
  },
  {
    name: 'the child of an earlier parent stops this one',
    file: 'engine/execution/children.ts',
    passage: 'error.isOfEarlierParent && !asked.isNamed;',
    by: 'asked.isNamed;',
    foundBy: [unit('execution/families')],
  },
  {
    name: 'a child that has come too late does not look for its parent',
    file: 'engine/execution/execution.ts',
    passage: "if (await cancelOrphan(this.#services, record)) this.#nudgedEarly.add('message');",
    by: 'await Promise.resolve(cancelOrphan);',
    foundBy: [unit('execution/orphans')],
  },
  {
    name: 'nobody looks again for a child that had not arrived',
    file: 'engine/runs/deletions.ts',
    passage: "if (outcome.outcome === 'deleted') await cancelLateChildren(parts, record, absent);",
    by: 'await Promise.resolve([cancelLateChildren, absent]);',
    foundBy: [unit('execution/orphans')],
  },
  {
    name: 'items go on to begin after one has failed',
    file: 'engine/execution/items.ts',
    passage: '!(stops && itemsState(fold.bookkeeping, name).failed > 0)',
    by: 'stops || !stops',
    foundBy: [unit('execution/start-all')],
  },
  {
    name: 'a child of another birth is taken for the one that is waited for',
    file: 'engine/runs/family.ts',
    passage: 'if (record.birth !== birth) {',
    by: 'if (record.birth === undefined) {',
    foundBy: [unit('execution/families')],
  },
  {
    name: 'a step is tried once more than its policy says',
    file: 'core/policy.ts',
    passage: 'if (attempt >= (policy.attempts ?? 1)) return { again: false, reason: error };',
    by: 'if (attempt > (policy.attempts ?? 1)) return { again: false, reason: error };',
    foundBy: [unit('execution/bodies')],
  },
  {
    name: 'missed times of a schedule are forgotten whatever it says',
    file: 'engine/schedules/decision.ts',
    passage: "if (missed === 'latest') {",
    by: 'if (missed === undefined) {',
    foundBy: [unit('schedules/decision')],
  },
  {
    name: 'runs beside one that kills take the blame',
    file: 'engine/worker/crash-isolation.ts',
    passage: 'const suspectAfter = 2;',
    by: 'const suspectAfter = 1;',
    foundBy: [unit('worker/crash-isolation')],
  },
  {
    name: 'an encrypted payload may be moved to another place',
    file: 'encryption/keyring.ts',
    passage: 'cipher.setAAD(this.#binding(this.#current, place));',
    by: 'cipher.setAAD(this.#binding(this.#current, ""));',
    foundBy: [{ unit: 'test/unit/encryption/encryption.test.ts' }],
  },
  {
    name: 'what no attempt mends is tried again',
    file: 'core/policy.ts',
    passage: "'NonRetryableError',\n  'UnrecoverableError',",
    by: "'UnrecoverableError',",
    foundBy: [unit('execution/retry-policy')],
  },
  {
    name: 'an effect is tried again as steps are',
    file: 'engine/execution/steps.ts',
    passage: 'retry !== undefined || begin !== undefined || within !== undefined',
    by: 'retry !== undefined || within !== undefined',
    foundBy: [unit('execution/retry-policy')],
  },
  {
    name: 'a handler works wherever its wake-up came from',
    file: 'engine/worker/worker.ts',
    passage: 'asCaller: AsyncLocalStorage.snapshot(),',
    by: 'asCaller: (call) => call(),',
    foundBy: [unit('execution/context-kept')],
  },
  {
    name: 'events of older code come as they were written',
    file: 'engine/runs/run-handle.ts',
    passage: 'upcaster?.upcast(shown) ?? shown',
    by: 'shown',
    foundBy: [unit('definition/deploys')],
  },
  {
    name: 'an error in a field of an error is left out',
    file: 'core/error-record.ts',
    passage: 'if (hasRoom && causes > 0 && !own.isFull && isError(value)) {',
    by: 'if (hasRoom && causes < 0 && isError(value)) {',
    foundBy: [{ unit: 'test/unit/core/error-record.test.ts' }],
  },
  {
    name: 'a zombie gives out chunks',
    file: 'redis/lua/write.lua',
    passage: "if m[1] ~= fence or m[2] ~= owner then return {'fenced', m[1]} end",
    by: '',
    foundBy: [suite],
  },
  {
    name: 'a step completes before its chunks are stored',
    file: 'engine/execution/steps.ts',
    passage: 'if (written !== undefined) await written;',
    by: '',
    foundBy: [unit('execution/outputs')],
  },
  {
    name: 'a body that is over goes on giving out chunks',
    file: 'engine/execution/run-outputs.ts',
    passage: 'source.isOver || this.#parts.bodies.isOver(source.body)',
    by: 'source.isOver',
    foundBy: [unit('execution/outputs')],
  },
  {
    name: 'a run is parked while a chunk is on its way',
    file: 'engine/execution/handler-runtime.ts',
    passage: 'this.#beginning > 0 || !this.#outputs.isIdle',
    by: 'this.#beginning > 0',
    foundBy: [unit('execution/outputs')],
  },
  {
    name: 'a reader of chunks does not see that others took their places',
    file: 'engine/runs/output-reader.ts',
    passage: 'const isSame = again?.fence === last.fence && again.at === last.at;',
    by: 'const isSame = true;',
    foundBy: [unit('execution/outputs')],
  },
];
