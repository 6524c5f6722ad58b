/** Moves as calls of the contract, with the numbers in them replaced by what they stand for in this play. */
import { runStatuses } from '../../../src/core/run.ts';
import type {
  CommitParams,
  CreateParams,
  DueRun,
  ListParams,
  Ownership,
  Release,
  RunStore,
} from '../../../src/core/store.ts';
import { workerInfo } from '../../../src/testing/run-store/opened.ts';
import type { EventMove, Move, ReleaseKind } from './moves.ts';

export type Call = (store: RunStore) => Promise<unknown>;
type MoveOf<Kind extends Move['do']> = Extract<Move, { readonly do: Kind }>;

/** Far behind everything else that happens. */
export const farMs = 600_000_000;

const types = ['note', 'step.done', 'a', 'run.rewound'];
const lanes = [undefined, 'left', 'lane 2'];
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

/** What the players remember. All of it comes from the reference store, and so is the same for both. */
export class Memory {
  readonly claims = new Map<string, Ownership[]>();
  readonly calls: Call[] = [];
  #tokens = 0;

  token(): string {
    this.#tokens += 1;
    return `token-${this.#tokens}`;
  }

  /** The claim of a run that was made so many claims ago. */
  claim(run: string, back: number): Ownership {
    return this.claims.get(run)?.at(-1 - back) ?? { run, fence: 1, owner: 'nobody' };
  }

  remember(ownership: Ownership): void {
    const claims = this.claims.get(ownership.run) ?? [];
    if (claims.at(-1)?.owner !== ownership.owner) claims.push(ownership);
    this.claims.set(ownership.run, claims);
  }
}

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
    case 'interrupt':
      return (store) => interruptAll(store, move);
    case 'due':
      return (store) => store.due(move);
    case 'progress': {
      const owner = memory.claim(runId(move.run), move.claim);
      const progress = { fraction: move.part / 3, message: `part ${move.part}` };
      return (store) => store.progress(owner, progress);
    }
    case 'post':
    case 'cancel':
      return asking(move);
    default:
      return simpleCall(move);
  }
}

function simpleCall(
  move: MoveOf<
    | 'pause'
    | 'resume'
    | 'told'
    | 'delete'
    | 'load'
    | 'mail'
    | 'compact'
    | 'events'
    | 'list'
    | 'beat'
    | 'leave'
    | 'look'
  >,
): Call {
  switch (move.do) {
    case 'pause':
    case 'resume': {
      const { do: what } = move;
      return (store) => store[what](runId(move.run), text(`who ${what}s`));
    }
    case 'told':
    case 'delete':
    case 'load':
    case 'mail': {
      const { do: what } = move;
      return async (store) => (await store[what](runId(move.run))) ?? null;
    }
    case 'compact':
      return (store) => store.archive.compact({ run: runId(move.run), limit: 4 });
    case 'events':
      return (store) => store.events({ ...move, run: runId(move.run) });
    case 'list':
      return (store) => listAll(store, move);
    case 'beat':
      return (store) => store.beat(workerInfo(workerId(move.worker)), move.sessionMs);
    case 'leave':
      return (store) => store.leave(workerId(move.worker));
    case 'look':
      return (store) => lookSorted(store, workerId(move.worker));
  }
}

function creating(memory: Memory, move: MoveOf<'create'>): Call {
  const params: CreateParams = {
    run: runId(move.run),
    workflow: `flow-${move.workflow}`,
    input: text('input'),
    tags: tagSets[move.tags] ?? {},
    data: text('{"by":"fuzz"}'),
    token: memory.token(),
    resendMs: 3000,
    delayMs: move.delayMs,
    priority: move.priority,
    ...(move.deadlineMs === 0 ? {} : { deadlineMs: move.deadlineMs }),
    ...(move.parent ? { parent: 'parent' } : {}),
    ...(move.fork
      ? { snapshot: { schema: 1, set: new Map([['state:n', text('1')]]), remove: [] } }
      : {}),
  };
  return (store) => store.create(params);
}

async function claiming(reference: RunStore, memory: Memory, move: MoveOf<'claim'>): Promise<Call> {
  const run = runId(move.run);
  const fence = (await reference.record(run))?.fence ?? 0;
  const params = {
    run,
    worker: workerId(move.worker),
    codeVersion: 1,
    token: memory.token(),
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
  // More than there is cannot have been taken.
  const taken = Math.min(move.taken, (await reference.mail(run)).messages.length);
  const params: CommitParams = {
    run,
    fence: Math.max(0, owner.fence + move.fence),
    owner: move.stranger ? 'stranger' : owner.owner,
    token: memory.token(),
    expectedSeq: Math.max(0, seq + move.seq),
    events: move.events.map(toEvent),
    ...(taken === 0 ? {} : { taken }),
    ...(move.snapshot === undefined ? {} : { snapshot: toSnapshot(move.snapshot, seq) }),
    ...(move.release === undefined ? {} : { release: toRelease(move.release, move.ms) }),
  };
  return (store) => store.commit(params);
}

function toEvent({ type, bytes, lane }: EventMove): CommitParams['events'][number] {
  const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 37) % 256);
  const name = lanes[lane];
  return { type: types[type] ?? '', data, ...(name === undefined ? {} : { lane: name }) };
}

function toSnapshot(
  { set, remove, whole }: NonNullable<MoveOf<'commit'>['snapshot']>,
  seq: number,
): NonNullable<CommitParams['snapshot']> {
  return {
    schema: 2,
    set: new Map(set.map((field) => [fields[field] ?? '', text(`value at ${seq}`)])),
    remove: whole ? [] : fields.slice(0, remove),
    whole,
  };
}

function toRelease(kind: ReleaseKind, ms: number): Release {
  switch (kind) {
    case 'completed':
      return { status: kind, output: text('output'), keepMs: ms };
    case 'failed':
    case 'cancelled':
      return { status: kind, error: text('error'), keepMs: ms };
    case 'quarantined':
      return { status: kind, error: text('evidence') };
    case 'queued':
      return { status: kind, resendMs: ms };
    case 'waiting':
      return { status: kind };
    case 'sleeping':
      return { status: 'waiting', wakeMs: ms };
  }
}

function asking(move: MoveOf<'post' | 'cancel'>): Call {
  const run = runId(move.run);
  const data = text(`message ${move.message}`);
  const { do: what, message } = move;
  if (what === 'cancel') {
    const params = { run, id: `cancel-${message}`, data, error: text('cancelled'), keepMs: 60_000 };
    return (store) => store.cancel(params);
  }
  const params = { run, id: `message-${message}`, kind: 'signal' as const, name: 'go', data };
  return (store) => store.post(params);
}

/** Takes all that the worker holds: which come first is left open. */
async function interruptAll(store: RunStore, move: MoveOf<'interrupt'>): Promise<unknown> {
  const taken: DueRun[] = [];
  for (;;) {
    const page = await store.interrupt({
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
    { status, workflow: 'flow-1', tag: 'b=x=y' },
    { idPrefix: 'run-1' },
    { status: ['queued', 'failed', status], idPrefix: 'run-' },
    { worker: workerId(0) },
  ];
  const pages: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({
      ...filters[move.by],
      limit: move.limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

async function lookSorted(store: RunStore, worker: string): Promise<unknown> {
  const look = await store.look(worker, farMs);
  if (!look.leader) return look;
  return { ...look, lost: [...look.lost].sort((a, b) => (a.worker < b.worker ? -1 : 1)) };
}
