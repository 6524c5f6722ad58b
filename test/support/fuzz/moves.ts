/**
 * The moves of a random play over the whole run-store contract, as plain data: what is printed when two stores differ, and
 * what fast-check makes shorter. Numbers stand for things of the play: the run with this number, the claim before last.
 */
import type { QuestionMove } from './questions.ts';
import fc from 'fast-check';

/** A release as a move names it. */
export type ReleaseKind =
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'quarantined'
  | 'queued'
  | 'waiting'
  | 'sleeping';

export type Move =
  | {
      readonly do: 'create';
      readonly run: number;
      readonly workflow: number;
      readonly tags: number;
      readonly delayMs: number;
      readonly deadlineMs: number;
      readonly priority: number;
      readonly parent: boolean;
      readonly onEnd: boolean;
      readonly fork: boolean;
      /** The worker that claims it in the same step, if it may. */
      readonly first: number | undefined;
      readonly version: number;
      readonly key: number;
    }
  | TurnMove
  | {
      readonly do: 'claim';
      readonly run: number;
      readonly worker: number;
      /** Added to the fence the run has; undefined: whatever it is. */
      readonly fence: number | undefined;
      readonly version: number;
      readonly reclaim: boolean;
      readonly anyVersion: boolean;
    }
  | {
      readonly do: 'commit';
      readonly run: number;
      /** How many claims ago the owner claimed. */
      readonly claim: number;
      readonly fence: number;
      readonly stranger: boolean;
      readonly seq: number;
      readonly events: readonly EventMove[];
      readonly snapshot: SnapshotMove | undefined;
      /** Numbers of messages, whether they are there or not. */
      readonly taken: readonly number[];
      readonly release: ReleaseKind | undefined;
      readonly parking: ParkingMove;
      readonly ms: number;
    }
  | { readonly do: 'again'; readonly back: number }
  | {
      readonly do: 'interrupt';
      readonly worker: number;
      readonly quarantineAfter: number;
      readonly limit: number;
      /** Only this run; undefined: all that the worker holds. */
      readonly run: number | undefined;
    }
  | {
      readonly do: 'due';
      readonly limit: number;
      readonly resendMs: number;
      readonly aheadMs: number;
    }
  | {
      readonly do: 'post' | 'cancel';
      readonly run: number;
      readonly message: number;
      /** Its kind and name. */
      readonly about: number;
    }
  | {
      readonly do: 'write';
      readonly run: number;
      readonly claim: number;
      readonly fence: number;
      readonly stranger: boolean;
      /** Added to the number of the newest chunk. */
      readonly last: number;
      /** Bytes of each chunk. */
      readonly chunks: readonly number[];
      readonly keepBytes: number;
      readonly keepMs: number | undefined;
    }
  | { readonly do: 'chunks'; readonly run: number; readonly after: number; readonly limit: number }
  | { readonly do: 'progress'; readonly run: number; readonly claim: number; readonly part: number }
  | QuestionMove
  | { readonly do: 'pause' | 'resume' | 'load' | 'readInbox' | 'compact'; readonly run: number }
  | {
      readonly do: 'parentNotified' | 'childrenCancelled' | 'delete' | 'remove';
      readonly run: number;
      /** Added to the fence the run has; undefined: of a delete that takes it as it is. */
      readonly fence: number | undefined;
    }
  | {
      readonly do: 'settled';
      readonly run: number;
      readonly worker: number;
      readonly fence: number;
    }
  | { readonly do: 'events'; readonly run: number; readonly after: number; readonly limit: number }
  | { readonly do: 'list'; readonly by: number; readonly status: number; readonly limit: number }
  | { readonly do: 'beat'; readonly worker: number; readonly sessionMs: number }
  | { readonly do: 'deregister' | 'elect'; readonly worker: number }
  | { readonly do: 'advance'; readonly ms: number };

/** What is done about turns. `turn`: the one that was granted so many before. */
export type TurnMove =
  | {
      readonly do: 'enter';
      readonly run: number;
      readonly state: 'begun' | 'asleep' | undefined;
      readonly ifFree: boolean;
      readonly limits: number;
      readonly priority: number;
    }
  | { readonly do: 'admit'; readonly turn: number; readonly more: number; readonly ms: number }
  | { readonly do: 'leaveTurn'; readonly turn: number; readonly isKnown: boolean }
  | { readonly do: 'dueTurns'; readonly limit: number; readonly all: boolean }
  | { readonly do: 'hold'; readonly turns: readonly number[] }
  | { readonly do: 'limit'; readonly workflow: number; readonly limits: number };

/** How a run is let wait. */
export interface ParkingMove {
  readonly waits: number;
  readonly why: 'parked' | 'retry';
  readonly pollMs: number | undefined;
  readonly mayGoOn: boolean;
  /** Of an end: its children are to be cancelled. */
  readonly cancelPending: boolean;
}

export interface SnapshotMove {
  readonly set: readonly number[];
  readonly remove: number;
  readonly full: boolean;
}

export interface EventMove {
  readonly type: number;
  readonly bytes: number;
  readonly branch: number;
}

const run = fc.nat(2);
const worker = fc.nat(2);
const ms = fc.constantFrom(0, 1, 250, 3000, 60_000, 1_300_000);
/** Mostly `usual`, so that a play gets somewhere, and now and then not. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(usual) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );

const event: fc.Arbitrary<EventMove> = fc.record({
  type: fc.nat(3),
  bytes: fc.constantFrom(0, 1, 7, 300),
  branch: mostly(0, 1, 2),
});

const snapshot = fc.record({
  set: fc.array(fc.nat(4), { maxLength: 3 }),
  remove: fc.nat(2),
  full: fc.boolean(),
});

const release = fc.constantFrom<ReleaseKind>(
  ...([
    'completed',
    'failed',
    'cancelled',
    'quarantined',
    'queued',
    'waiting',
    'sleeping',
  ] as const),
);

const create = fc.record({
  do: fc.constant('create' as const),
  run,
  workflow: fc.nat(1),
  tags: fc.nat(3),
  delayMs: mostly(0, 250, 60_000),
  deadlineMs: mostly(0, 5000),
  priority: mostly(0, 3),
  parent: fc.boolean(),
  onEnd: fc.boolean(),
  fork: mostly(false, true),
  first: mostly(undefined, 0, 1),
  version: mostly(0, 1, 2),
  key: fc.constantFrom(0, 0, 1, 1, 2),
});

const claim = fc.record({
  do: fc.constant('claim' as const),
  run,
  worker,
  fence: mostly<number | undefined>(undefined, 0, 0, 1, -1),
  version: mostly(1, 0, 2),
  reclaim: mostly(false, true),
  anyVersion: mostly(false, true),
});

const commit = fc.record({
  do: fc.constant('commit' as const),
  run,
  claim: mostly(0, 1, 2),
  fence: mostly(0, 1, -1),
  stranger: mostly(false, true),
  seq: mostly(0, 1, -1),
  events: fc.array(event, { maxLength: 4 }),
  snapshot: fc.option(snapshot, { nil: undefined }),
  taken: fc.array(fc.nat(7), { maxLength: 3 }),
  parking: fc.record({
    waits: fc.nat(9),
    why: mostly('parked' as const, 'retry' as const),
    pollMs: fc.option(ms, { nil: undefined, freq: 1 }),
    mayGoOn: fc.boolean(),
    cancelPending: fc.boolean(),
  }),
  release: fc.option(release, { nil: undefined, freq: 3 }),
  ms,
});

const write = fc.record({
  do: fc.constant('write' as const),
  run,
  claim: mostly(0, 1, 2),
  fence: mostly(0, 1, -1),
  stranger: mostly(false, true),
  last: mostly(0, 1, -1),
  chunks: fc.array(fc.constantFrom(0, 1, 7, 300), { minLength: 1, maxLength: 4 }),
  keepBytes: fc.constantFrom(1, 500, 100_000),
  keepMs: fc.option(ms, { nil: undefined, freq: 1 }),
});

const limit = fc.constantFrom(1, 2, 100);

const turns: fc.Arbitrary<TurnMove> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('enter' as const),
      run,
      state: mostly<'begun' | 'asleep' | undefined>(undefined, 'begun', 'asleep'),
      ifFree: mostly(false, true),
      limits: fc.nat(7),
      priority: mostly(0, 3),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      turn: mostly(0, 1, 2),
      more: mostly(0, 1, -1),
      ms,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('leaveTurn' as const),
      turn: fc.nat(3),
      isKnown: mostly(true, false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('dueTurns' as const), limit, all: mostly(false, true) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      turns: fc.array(fc.nat(4), { maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      workflow: fc.nat(1),
      limits: fc.nat(7),
    }),
  },
);

/** Weights are such that runs get claimed, worked on, lost and ended, all within some forty moves. */
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: create },
  { weight: 8, arbitrary: claim },
  { weight: 10, arbitrary: turns },
  { weight: 12, arbitrary: commit },
  { weight: 5, arbitrary: write },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('chunks' as const),
      run,
      after: fc.nat(6),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('again' as const), back: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('interrupt' as const),
      worker,
      quarantineAfter: fc.integer({ min: 1, max: 3 }),
      limit,
      run: fc.option(run, { nil: undefined, freq: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('due' as const),
      limit,
      resendMs: ms,
      aheadMs: mostly(0, 3000, 700_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('post' as const, 'post' as const, 'cancel' as const),
      run,
      message: fc.nat(3),
      about: fc.nat(9),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('progress' as const),
      run,
      claim: mostly(0, 1),
      part: fc.nat(3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(...(['ask', 'ask', 'ask', 'reply', 'reply', 'withdraw'] as const)),
      run,
      question: fc.nat(2),
      claim: mostly(0, 1),
      // Longer in real time than a play, so that no key of Redis ends before its time.
      forMs: mostly(600_000, 60_000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['pause', 'pause', 'resume', 'resume', 'load', 'readInbox'] as const),
        ...(['compact', 'compact'] as const),
      ),
      run,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...([
          'parentNotified',
          'parentNotified',
          'childrenCancelled',
          'childrenCancelled',
          'delete',
          'delete',
          'remove',
        ] as const),
      ),
      run,
      fence: mostly<number | undefined>(0, 0, undefined, -1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('settled' as const),
      run,
      worker,
      fence: mostly(0, -1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('events' as const),
      run,
      after: fc.nat(6),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('list' as const),
      by: fc.nat(11),
      status: fc.nat(7),
      limit,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('beat' as const), worker, sessionMs: ms }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('deregister' as const, 'elect' as const, 'elect' as const),
      worker,
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance' as const), ms }) },
);

/** Plays of a length that is worth the trouble of opening a store. */
export const plays: fc.Arbitrary<readonly Move[]> = fc.array(move, {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});
