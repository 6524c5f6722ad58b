/**
 * A run as a thing that does one call at a time: what the scripts of the store promise, written down a second time and
 * as plainly as possible. Redis, time, indexes and bytes are not in it.
 *
 * Fences come from Redis' clock, so the model cannot foretell them. It knows that each is above the last; which it is, it
 * learns from the next answer that names it.
 */
import type { RunStatus } from '../../../src/core/run.ts';
import type { Model } from './checker.ts';

export type RunInput =
  | { readonly call: 'create'; readonly token: string }
  | {
      readonly call: 'claim';
      readonly token: string;
      readonly worker: string;
      readonly codeVersion: number;
      readonly expectedFence: number;
    }
  | {
      readonly call: 'commit';
      readonly token: string;
      readonly owner: string;
      readonly expectedSeq: number;
      readonly events: readonly string[];
      readonly taken: readonly string[];
      readonly release: 'queued' | 'waiting' | 'completed' | undefined;
    }
  | { readonly call: 'load' }
  | { readonly call: 'post'; readonly id: string; readonly name: string }
  | { readonly call: 'cancel'; readonly id: string }
  | { readonly call: 'interrupt'; readonly worker: string };

/** What a client saw; each outcome has its own further fields. */
export interface RunAnswer {
  readonly outcome: string;
  readonly fence?: number;
  readonly seq?: number;
  readonly status?: RunStatus;
  readonly worker?: string | undefined;
  readonly applied?: boolean;
  /** The whole log, an event as its type and what tells it apart. */
  readonly log?: readonly string[];
  readonly inbox?: readonly string[];
}

export interface RunState {
  readonly status: RunStatus | undefined;
  readonly creator: string;
  /** Undefined: raised by a call whose answer nobody saw; above `fenceAbove`. */
  readonly fence: number | undefined;
  readonly fenceAbove: number;
  readonly owner: string | undefined;
  readonly worker: string | undefined;
  /** Token of the last commit. */
  readonly token: string | undefined;
  /** A worker has had it. */
  readonly begun: boolean;
  readonly log: readonly string[];
  /** Who wrote each event: token of the owner, or empty. */
  readonly authors: readonly string[];
  readonly inbox: readonly string[];
  readonly messages: readonly string[];
  /** The cancel that came last into the inbox. */
  readonly cancel: string | undefined;
  /** It waits, and something has come that it waits for. */
  readonly woken: boolean;
}

/** The signal that a waiting run of this model waits for. */
export const wanted = 'wanted';

const nothing: RunState = {
  status: undefined,
  creator: '',
  fence: 0,
  fenceAbove: -1,
  owner: undefined,
  worker: undefined,
  token: undefined,
  begun: false,
  log: [],
  authors: [],
  inbox: [],
  messages: [],
  cancel: undefined,
  woken: false,
};

/** The answer, without the fence, and the state behind it. */
type Step = readonly [RunAnswer, RunState];

export const runModel: Model<RunState, RunInput, RunAnswer> = {
  initial: nothing,
  step(state, input, answer) {
    const [right, next] = perform(state, input);
    if (answer === undefined) return next;
    const { fence, ...seen } = answer;
    if (JSON.stringify(sorted(seen)) !== JSON.stringify(sorted(right))) return undefined;
    if (fence === undefined) return next;
    if (next.fence !== undefined) return next.fence === fence ? next : undefined;
    return fence > next.fenceAbove ? { ...next, fence } : undefined;
  },
  key: (state) => JSON.stringify(state),
};

function sorted(answer: RunAnswer): unknown {
  return Object.entries(answer)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function perform(state: RunState, input: RunInput): Step {
  if (input.call === 'create') return create(state, input.token);
  if (state.status === undefined) {
    return [{ outcome: input.call === 'interrupt' ? 'nothing' : 'missing' }, state];
  }
  switch (input.call) {
    case 'claim':
      return claim(state, input);
    case 'commit':
      return commit(state, input);
    case 'load':
      return [
        { outcome: 'loaded', status: state.status, worker: state.worker, log: state.log },
        state,
      ];
    case 'post':
      return post(state, input);
    case 'cancel':
      return cancel(state, input.id);
    case 'interrupt':
      return interrupt(state, input.worker);
  }
}

function create(state: RunState, token: string): Step {
  if (state.status !== undefined) {
    return [{ outcome: state.creator === token ? 'created' : 'exists' }, state];
  }
  const made = { ...state, status: 'queued' as const, creator: token };
  return [{ outcome: 'created' }, written(made, ['run.created'], '')];
}

function claim(state: RunState, input: Extract<RunInput, { call: 'claim' }>): Step {
  const { status, owner, worker, log, inbox } = state;
  if (status === 'running' && owner === input.token) {
    return [{ outcome: 'claimed', log, inbox }, state];
  }
  // A fence that nobody has seen is not the one a wake-up was sent at.
  if (state.fence !== input.expectedFence) return [{ outcome: 'stale' }, state];
  if (status === 'running') return [{ outcome: 'held', worker }, state];
  const awake = status === 'waiting' && state.woken;
  if (status !== 'queued' && status !== 'interrupted' && !awake) {
    return [{ outcome: 'notClaimable', status: state.status ?? 'queued' }, state];
  }
  const taken = {
    owner: input.token,
    worker: input.worker,
    begun: true,
    woken: false,
    status: 'running' as const,
  };
  const next = written(
    { ...raised(state), ...taken },
    [`run.claimed ${input.worker} ${input.codeVersion}`],
    input.token,
  );
  return [{ outcome: 'claimed', log: next.log, inbox }, next];
}

function commit(state: RunState, input: Extract<RunInput, { call: 'commit' }>): Step {
  const { token, owner, expectedSeq, events, taken, release } = input;
  if (state.token === token) {
    return [{ outcome: 'committed', seq: expectedSeq + events.length }, state];
  }
  if (state.owner !== owner) {
    const applied = events.length > 0 && state.authors[expectedSeq] === owner;
    return [{ outcome: 'fenced', applied }, state];
  }
  if (state.log.length !== expectedSeq) {
    return [{ outcome: 'conflict', seq: state.log.length }, state];
  }
  const inbox = state.inbox.filter((id) => !taken.includes(id));
  if (release === 'waiting' && inbox.length > 0) return [{ outcome: 'unread' }, state];
  const next = written({ ...state, token, inbox }, events, owner);
  const free = { status: release, owner: undefined, worker: undefined };
  return [
    { outcome: 'committed', seq: next.log.length },
    release === undefined ? next : { ...next, ...free },
  ];
}

function post(state: RunState, { id, name }: Extract<RunInput, { call: 'post' }>): Step {
  const { status } = state;
  if (state.messages.includes(id)) return [{ outcome: 'known', status: status ?? 'queued' }, state];
  if (isOver(state)) return [{ outcome: 'ended', status: status ?? 'queued' }, state];
  const woken = state.woken || (status === 'waiting' && name === wanted);
  return [
    { outcome: 'posted', status: status ?? 'queued' },
    { ...received(state, id), woken },
  ];
}

function cancel(state: RunState, id: string): Step {
  const status = state.status ?? 'queued';
  if (state.messages.includes(id)) {
    return [{ outcome: status === 'cancelled' ? 'cancelled' : 'asked' }, state];
  }
  if (isOver(state)) return [{ outcome: 'ended', status }, state];
  if (state.begun) return [{ outcome: 'asked' }, asked(state, id)];
  const over = { ...raised(state), status: 'cancelled' as const };
  const next = written({ ...over, messages: [...state.messages, id] }, [`run.cancelled ${id}`], '');
  return [{ outcome: 'cancelled' }, next];
}

function interrupt(state: RunState, worker: string): Step {
  if (state.worker !== worker) return [{ outcome: 'nothing' }, state];
  const free = { status: 'interrupted' as const, owner: undefined, worker: undefined };
  const next = written({ ...raised(state), ...free }, [`run.interrupted ${worker}`], '');
  return [{ outcome: 'took' }, next];
}

function isOver({ status }: RunState): boolean {
  return status === 'completed' || status === 'cancelled';
}

function raised(state: RunState): RunState {
  return { ...state, fence: undefined, fenceAbove: state.fence ?? state.fenceAbove };
}

/** A cancel that waits in the inbox says all that another one could say. */
function asked(state: RunState, id: string): RunState {
  const woken = state.woken || state.status === 'waiting';
  const waits = state.cancel !== undefined && state.inbox.includes(state.cancel);
  if (waits) return { ...state, woken, messages: [...state.messages, id] };
  return { ...received(state, id), woken, cancel: id };
}

function received(state: RunState, id: string): RunState {
  return { ...state, inbox: [...state.inbox, id], messages: [...state.messages, id] };
}

function written(state: RunState, events: readonly string[], author: string): RunState {
  return {
    ...state,
    log: [...state.log, ...events],
    authors: [...state.authors, ...events.map(() => author)],
  };
}
