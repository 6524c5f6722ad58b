/** Moves as calls of the contract, with the numbers in them replaced by what they stand for in this play. */
import { runStatuses } from '../../../src/core/run.ts';
import type {
  CommitParams,
  CreateParams,
  Message,
  Release,
  RunStore,
  Wait,
} from '../../../src/core/store.ts';
import type { WriteParams } from '../../../src/core/outputs.ts';
import type { DueRun } from '../../../src/core/due-run.ts';
import type { LimitsOfCode, Turn } from '../../../src/core/turns.ts';
import type { ListParams } from '../../../src/core/lists.ts';
import { workerInfo } from '../../../src/testing/run-store/opened.ts';
import type { Call, Memory } from './memory.ts';
import { aboutQuestion } from './questions.ts';
import type { EventMove, Move, ParkingMove, TurnMove } from './moves.ts';

type MoveOf<Kind extends Move['do']> = Extract<Move, { readonly do: Kind }>;

/** Far behind everything else that happens. */
export const farMs = 600_000_000;

const types = ['note', 'step.done', 'a', 'run.rewound'];
const branches = [undefined, 'left', 'branch 2'];
const tagSets: readonly Record<string, string>[] = [
  {},
  { a: '1' },
  { a: '1', b: 'x=y' },
  { a: '2' },
];
const fields = ['state:n', 'state:list', 'step:a', 'step:ä', 'state:'];

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const runId = (run: number): string => `run-${run}`;
export const workerId = (worker: number): string => `worker-${worker}`;

/** The call a move stands for; none when there is nothing to repeat. */
export async function prepare(
  reference: RunStore,
  memory: Memory,
  move: Exclude<Move, { do: 'advance' }>,
): Promise<Call | undefined> {
  if (move.do === 'again') return memory.calls.at(-1 - move.back);
  const call = await newCall(reference, memory, move);
  memory.calls.push(call);
  return call;
}

async function newCall(
  reference: RunStore,
  memory: Memory,
  move: Exclude<Move, { do: 'advance' | 'again' }>,
): Promise<Call> {
  switch (move.do) {
    case 'create':
      return creating(memory, move);
    case 'claim':
      return claiming(reference, memory, move);
    case 'commit':
      return committing(reference, memory, move);
    case 'write':
      return writing(reference, memory, move);
    case 'interrupt':
      return (store) => interruptAll(store, move);
    case 'due':
      return (store) => store.fleet.due(move);
    case 'progress': {
      const owner = memory.claim(runId(move.run), move.claim);
      const progress = { fraction: move.part / 3, message: `part ${move.part}` };
      return (store) => store.progress(owner, progress);
    }
    case 'ask':
    case 'reply':
    case 'withdraw':
      return aboutQuestion(memory.claim(runId(move.run), move.claim), move);
    case 'post':
    case 'cancel':
      return asking(move);
    case 'parentNotified':
    case 'childrenCancelled':
    case 'delete':
    case 'remove':
      return ofSeen(reference, move);
    case 'settled': {
      const fence = (await reference.record(runId(move.run)))?.fence ?? 0;
      const runs = [{ run: runId(move.run), fence: fence + move.fence }];
      return (store) => store.fleet.settled(workerId(move.worker), runs);
    }
    case 'enter':
    case 'admit':
    case 'leaveTurn':
    case 'dueTurns':
    case 'hold':
    case 'limit':
      return aboutTurns(reference, memory, move);
    default:
      return simpleCall(move);
  }
}

function simpleCall(
  move: MoveOf<
    | 'pause'
    | 'resume'
    | 'load'
    | 'readInbox'
    | 'compact'
    | 'events'
    | 'chunks'
    | 'list'
    | 'beat'
    | 'deregister'
    | 'elect'
  >,
): Call {
  switch (move.do) {
    case 'pause':
    case 'resume': {
      const { do: what } = move;
      return (store) => store[what](runId(move.run), text(`who ${what}s`));
    }
    case 'load':
    case 'readInbox': {
      const { do: what } = move;
      return async (store) => (await store[what](runId(move.run))) ?? null;
    }
    case 'compact':
      return (store) => store.archive.compact({ run: runId(move.run), limit: 4 });
    case 'events':
      return (store) => store.events({ ...move, run: runId(move.run) });
    case 'chunks':
      return (store) => store.outputs.read({ ...move, run: runId(move.run) });
    case 'list':
      return (store) => listAll(store, move);
    case 'beat':
      return (store) => store.fleet.beat(workerInfo(workerId(move.worker)), move.sessionMs);
    case 'deregister':
      return (store) => store.fleet.deregister(workerId(move.worker));
    case 'elect':
      return (store) => electSorted(store, workerId(move.worker));
  }
}

/** What only works when the run is still as it was seen. */
async function ofSeen(
  reference: RunStore,
  move: MoveOf<'parentNotified' | 'childrenCancelled' | 'delete' | 'remove'>,
): Promise<Call> {
  const run = runId(move.run);
  const record = await reference.record(run);
  const { status = 'failed', seq = 1, fence: held = 0 } = record ?? {};
  const seen = { status, seq, fence: held + (move.fence ?? 0) };
  switch (move.do) {
    case 'parentNotified':
    case 'childrenCancelled': {
      const { do: what } = move;
      const hook = seq % 2 === 0;
      return async (store) => (await store[what](run, { ...seen, hook })) ?? null;
    }
    case 'delete':
      return (store) => store.delete(run, undefined, move.fence === undefined ? undefined : seen);
    case 'remove':
      return (store) => store.archive.remove({ run, unchanged: seen });
  }
}

function creating(memory: Memory, move: MoveOf<'create'>): Call {
  const isPlain = move.delayMs === 0 && move.key === 0 && !move.fork;
  const claim =
    move.first === undefined || !isPlain
      ? undefined
      : { worker: workerId(move.first), codeVersion: move.version, token: memory.token() };
  const params: CreateParams = {
    run: runId(move.run),
    workflow: `flow-${move.workflow}`,
    input: text('input'),
    tags: tagSets[move.tags] ?? {},
    data: text('{"by":"fuzz"}'),
    token: memory.token(),
    resendMs: 3000,
    delayMs: move.delayMs,
    codeVersion: move.version,
    priority: move.priority,
    ...(move.deadlineMs === 0 ? {} : { deadlineMs: move.deadlineMs }),
    ...(move.parent ? { parent: 'parent' } : {}),
    ...(move.onEnd ? { onEnd: true } : {}),
    ...(move.key === 0 ? {} : { key: `key-${move.key}` }),
    ...(claim === undefined ? {} : { claim }),
    ...(move.fork
      ? { snapshot: { schema: 1, set: new Map([['state:n', text('1')]]), remove: [] } }
      : {}),
  };
  return async (store) => {
    const made = await store.create(params);
    if (made.outcome === 'created' && made.claimed) memory.remember(made.claimed.ownership);
    return made;
  };
}

async function claiming(reference: RunStore, memory: Memory, move: MoveOf<'claim'>): Promise<Call> {
  const run = runId(move.run);
  const fence = (await reference.record(run))?.fence ?? 0;
  const params = {
    run,
    worker: workerId(move.worker),
    codeVersion: move.version,
    token: memory.token(),
    reclaim: move.reclaim,
    anyVersion: move.anyVersion,
    ...(move.fence === undefined ? {} : { expectedFence: fence + move.fence }),
  };
  return async (store) => {
    const outcome = await store.claim(params);
    if (outcome.outcome === 'claimed') memory.remember(outcome.ownership);
    return outcome;
  };
}

async function committing(
  reference: RunStore,
  memory: Memory,
  move: MoveOf<'commit'>,
): Promise<Call> {
  const run = runId(move.run);
  const owner = memory.claim(run, move.claim);
  const seq = (await reference.record(run))?.seq ?? 1;
  const taken = move.taken.map((n) => (n < 4 ? `message-${n}` : `cancel-${n - 4}`));
  const release = toRelease(move);
  const params: CommitParams = {
    run,
    fence: Math.max(0, owner.fence + move.fence),
    owner: move.stranger ? 'stranger' : owner.owner,
    token: memory.token(),
    expectedSeq: Math.max(0, seq + move.seq),
    events: move.events.map(toEvent),
    ...(taken.length === 0 ? {} : { taken }),
    ...(move.snapshot === undefined ? {} : { snapshot: toSnapshot(move.snapshot, seq) }),
    ...(release === undefined ? {} : { release }),
  };
  return (store) => store.commit(params);
}

async function writing(reference: RunStore, memory: Memory, move: MoveOf<'write'>): Promise<Call> {
  const run = runId(move.run);
  const owner = memory.claim(run, move.claim);
  const last = (await reference.record(run))?.chunks ?? 0;
  const params: WriteParams = {
    run,
    fence: Math.max(0, owner.fence + move.fence),
    owner: move.stranger ? 'stranger' : owner.owner,
    token: memory.token(),
    last: Math.max(0, last + move.last),
    chunks: move.chunks.map((length, i) => ({
      output: i % 2 === 0 ? 'default' : 'log',
      step: i === 0 ? '' : `ä ${i}`,
      epoch: last + 1,
      data: new Uint8Array(length).fill(i),
    })),
    keepBytes: move.keepBytes,
    ...(move.keepMs === undefined ? {} : { keepMs: move.keepMs }),
  };
  return (store) => store.outputs.write(params);
}

function toEvent({ type, bytes, branch }: EventMove): CommitParams['events'][number] {
  const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 37) % 256);
  const name = branches[branch];
  return { type: types[type] ?? '', data, ...(name === undefined ? {} : { branch: name }) };
}

function toSnapshot(
  { set, remove, full }: NonNullable<MoveOf<'commit'>['snapshot']>,
  seq: number,
): NonNullable<CommitParams['snapshot']> {
  return {
    schema: 2,
    set: new Map(set.map((field) => [fields[field] ?? '', text(`value at ${seq}`)])),
    remove: full ? [] : fields.slice(0, remove),
    full,
  };
}

const waitSets: readonly (readonly Wait[])[] = [
  [],
  [{ kind: 'signal', name: 'w', on: ['go'], since: 1 }],
  [{ kind: 'signal', name: 'w', on: ['stop', 'halt'], since: 2 }],
  [{ kind: 'child', name: 'c', on: ['kid'], since: 3 }],
  [{ kind: 'timer', name: 't', until: 9, since: 4 }],
  [{ kind: 'retry', name: '', since: 5 }],
  [{ kind: 'decision', name: 'pay', on: ['pay'], since: 6 }],
  [
    { kind: 'signal', name: 'k1', on: ['go'], key: '1', label: 'first', since: 8 },
    { kind: 'signal', name: 'k2', on: ['go', 'stop'], key: '2', readsKey: true, since: 9 },
  ],
  [{ kind: 'signal', name: 'w', on: ['go'], until: 10, since: 10 }],
  Array.from({ length: 100 }, (_, i) => ({ kind: 'child', name: 'c', on: [`k${i}`], since: 7 })),
];

function toParking(move: ParkingMove, wakeMs?: number): Release {
  return {
    status: 'waiting',
    why: move.why,
    waits: waitSets[move.waits] ?? [],
    mayGoOn: move.mayGoOn,
    ...(wakeMs === undefined ? {} : { wakeMs }),
    ...(move.pollMs === undefined ? {} : { pollMs: move.pollMs }),
  };
}

function toRelease({ release: kind, parking, ms }: MoveOf<'commit'>): Release | undefined {
  switch (kind) {
    case undefined:
      return undefined;
    case 'completed':
      return { status: kind, output: text('output'), keepMs: ms };
    case 'failed':
    case 'cancelled':
      return {
        status: kind,
        error: text('error'),
        keepMs: ms,
        cancelsChildren: parking.cancelPending,
      };
    case 'quarantined':
      return { status: kind, error: text('evidence') };
    case 'queued':
      return { status: kind, resendMs: ms };
    case 'waiting':
      return toParking(parking);
    case 'sleeping':
      return toParking(parking, ms);
  }
}

const subjects: readonly Pick<Message, 'kind' | 'name' | 'key' | 'wait' | 'actor'>[] = [
  { kind: 'signal', name: 'go' },
  { kind: 'signal', name: 'effect pay' },
  { kind: 'child', name: 'kid' },
  { kind: 'signal', name: 'other' },
  { kind: 'signal', name: 'go', key: '1' },
  { kind: 'signal', name: 'stop', key: '2', actor: 'ada' },
  { kind: 'signal', name: 'go', key: '1', wait: 'k1', actor: 'ada' },
  { kind: 'signal', name: 'stop', key: '2', wait: 'k2' },
  { kind: 'signal', name: 'go', wait: 'w' },
];

function asking(move: MoveOf<'post' | 'cancel'>): Call {
  const run = runId(move.run);
  const data = text(`message ${move.message}`);
  const { do: what, message } = move;
  if (what === 'cancel') {
    const params = { run, id: `cancel-${message}`, data, error: text('cancelled'), keepMs: 60_000 };
    return (store) => store.cancel(params);
  }
  const subject = subjects[move.about] ?? { kind: 'signal', name: 'other' };
  const params = { run, id: `message-${message}`, ...subject, data };
  return (store) => store.post(params);
}

/** Takes all that the worker holds: which come first is left open. */
async function interruptAll(store: RunStore, move: MoveOf<'interrupt'>): Promise<unknown> {
  const taken: DueRun[] = [];
  for (;;) {
    const page = await store.fleet.interrupt({
      worker: workerId(move.worker),
      reason: 'session-expired',
      lastSeenAt: 0,
      resendMs: 3000,
      quarantineAfter: move.quarantineAfter,
      ...(move.run === undefined ? {} : { runs: [runId(move.run), 'nobody'] }),
      limit: move.limit,
    });
    taken.push(...page);
    if (page.length < move.limit) return taken.sort((a, b) => (a.run < b.run ? -1 : 1));
  }
}

/** Every page of a list. */
async function listAll(store: RunStore, move: MoveOf<'list'>): Promise<unknown> {
  const status = runStatuses[move.status] ?? 'queued';
  const filters: readonly Omit<ListParams, 'limit'>[] = [
    {},
    { status },
    { workflow: 'flow-0' },
    { tag: 'a=1' },
    { parent: 'parent' },
    { status, workflow: 'flow-1', tag: 'b=x=y' },
    { idPrefix: 'run-1' },
    { status: ['queued', 'failed', status], idPrefix: 'run-' },
    { worker: workerId(0) },
    { waitsFor: 'go' },
    { waitsFor: 'go', waitKey: '2' },
    { waitsFor: 'kind:child', status },
    { waitsFor: 'effect pay', idPrefix: 'run-' },
    { key: 'key-1' },
  ];
  const pages: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.lists.runs({
      ...filters[move.by],
      limit: move.limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

const limitSets: readonly (LimitsOfCode | undefined)[] = [
  undefined,
  { onBusy: 'queue', codeVersion: 1 },
  { onBusy: 'queue', codeVersion: 1, perKey: 1 },
  { onBusy: 'queue', codeVersion: 2, perKey: 2, fleet: 2 },
  { onBusy: 'queue', codeVersion: 1, fleet: 1 },
  { onBusy: 'debounce', codeVersion: 1, perKey: 1 },
  { onBusy: 'replace', codeVersion: 1, perKey: 1 },
  { onBusy: 'drop', codeVersion: 1, rate: { max: 1, perMs: 3000 } },
];

async function aboutTurns(reference: RunStore, memory: Memory, move: TurnMove): Promise<Call> {
  const nobody = { workflow: 'flow-0', key: 'key-1', run: 'nobody', birth: 'none', turn: 1 };
  const known = (back: number): Turn => memory.turns.at(-1 - back) ?? nobody;
  switch (move.do) {
    case 'enter': {
      const run = runId(move.run);
      const { workflow, key = 'key-2', birth } = (await reference.record(run)) ?? nobody;
      const { state, ifFree, priority } = move;
      const limits = limitSets[move.limits];
      const params = { workflow, key, run, birth, priority, ifFree };
      const asked = { ...params, ...(state && { state }), ...(limits && { limits }) };
      return async (store) => remembering(memory, await store.turns.enter(asked));
    }
    case 'admit': {
      const turn = known(move.turn);
      return (store) => store.turns.admit({ ...turn, turn: turn.turn + move.more }, move.ms);
    }
    case 'leaveTurn': {
      const turn = known(move.turn);
      const number = move.isKnown ? turn.turn : undefined;
      return async (store) => remembering(memory, await store.turns.leave(turn, number));
    }
    case 'dueTurns':
      return async (store) => {
        const { granted, doubtful } = await store.turns.due(move.limit, move.all);
        remembering(memory, { granted: sortedTurns(granted) });
        return { granted: sortedTurns(granted), doubtful: sortedTurns(doubtful) };
      };
    case 'hold': {
      const turns = move.turns.map(known);
      return async (store) => (await store.turns.hold(turns)) ?? null;
    }
    case 'limit': {
      const limits = limitSets[move.limits];
      if (limits === undefined) return async () => null;
      const named = { [`flow-${move.workflow}`]: limits };
      return async (store) => (await store.turns.limit(named)) ?? null;
    }
  }
}

/** Both stores grant the same turns, or the play ends: it does not matter whose are remembered. */
function remembering<T extends { readonly granted: readonly Turn[] }>(memory: Memory, of: T): T {
  for (const turn of of.granted) {
    if (!memory.turns.some((one) => one.turn === turn.turn && one.run === turn.run)) {
      memory.turns.push(turn);
    }
  }
  return of;
}

export function sortedTurns(turns: readonly Turn[]): readonly Turn[] {
  return turns.toSorted((a, b) => a.turn - b.turn || (a.workflow < b.workflow ? -1 : 1));
}

async function electSorted(store: RunStore, worker: string): Promise<unknown> {
  const look = await store.fleet.elect(worker, farMs);
  if (!look.leader) return look;
  return { ...look, lost: [...look.lost].sort((a, b) => (a.worker < b.worker ? -1 : 1)) };
}
