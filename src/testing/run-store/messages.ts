/** Moves that the tests of messages, cancelling, pausing and resuming share. */
import type {
  CancelParams,
  CommitParams,
  Ownership,
  PostParams,
  Release,
  RunStore,
} from '../../core/store.ts';
import type { DueRun } from '../../core/due-run.ts';
import type { Expect } from '../runner.ts';
import {
  bytes,
  claimed,
  committed,
  created,
  farMs,
  held,
  interruption,
  newId,
  parking,
} from './opened.ts';

export function message(run: string, params: Partial<PostParams> = {}): PostParams {
  return { run, id: newId('message'), kind: 'signal', name: 'go', data: bytes('data'), ...params };
}

export function cancellation(run: string, params: Partial<CancelParams> = {}): CancelParams {
  return {
    run,
    id: newId('cancel'),
    data: bytes('who and why'),
    error: bytes('cancelled'),
    keepMs: farMs,
    ...params,
  };
}

/** Names of the messages in the inbox, in order. */
export async function inbox(store: RunStore, run: string): Promise<readonly string[]> {
  return (await store.readInbox(run)).messages.map(({ name }) => name);
}

/** A run that was claimed and released to `waiting`, for ever or for a time. */
export async function waiting(store: RunStore, wakeMs?: number): Promise<string> {
  return released(store, parking(wakeMs === undefined ? {} : { wakeMs }));
}

export async function released(store: RunStore, release: Release): Promise<string> {
  const { id, ownership } = await held(store);
  await committed(store, ownership, { release });
  return id;
}

/** Runs that nobody holds and that have not ended, one in each status; each was claimed before, except the first. */
export async function idleRuns(
  store: RunStore,
): Promise<readonly { readonly id: string; readonly what: string }[]> {
  const lost = await held(store);
  await store.fleet.interrupt(interruption(lost.worker));
  return [
    { what: 'queued, never claimed', id: await created(store) },
    { what: 'queued', id: await released(store, { status: 'queued', resendMs: farMs }) },
    { what: 'waiting', id: await waiting(store) },
    { what: 'waiting for a time', id: await waiting(store, farMs) },
    { what: 'interrupted', id: lost.id },
  ];
}

export async function quarantined(store: RunStore): Promise<string> {
  const { id, worker } = await held(store);
  await store.fleet.interrupt(interruption(worker, { quarantineAfter: 1, evidence: id }));
  return id;
}

/** Runs that have ended, one in each way. */
export async function endedRuns(
  store: RunStore,
): Promise<
  readonly { readonly id: string; readonly status: 'completed' | 'failed' | 'cancelled' }[]
> {
  const error = bytes('error');
  const completed = { status: 'completed', output: bytes('output'), keepMs: farMs } as const;
  return [
    { status: 'completed', id: await released(store, completed) },
    { status: 'failed', id: await released(store, { status: 'failed', error, keepMs: farMs }) },
    {
      status: 'cancelled',
      id: await released(store, { status: 'cancelled', error, keepMs: farMs }),
    },
  ];
}

/** What is sent to wake a run, read off its record; `asleep` when it waits and nothing has come. */
export async function wakeUpOf(store: RunStore, run: string, asleep = false): Promise<DueRun> {
  const record = await store.record(run);
  if (record === undefined) throw new Error(`run ${run} is missing`);
  const { workflow, fence, status, losses, priority } = record;
  const notes = { notifyPending: false, cancelPending: false, asleep };
  return { run, workflow, fence, status, losses, priority, ...notes };
}

/** Fails when the log has a gap, when a fence falls, or when the record does not say what the log says. */
export async function checkWhole(store: RunStore, expect: Expect, run: string): Promise<void> {
  const record = await store.record(run);
  const events = await store.events({ run, after: 0, limit: 1000 });
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
  expect(record?.seq).toBe(events.length);
  expect(record?.bytes).toBe(events.reduce((sum, { data }) => sum + data.length, 0));
  const fences = events.map(({ fence }) => fence);
  expect(fences).toEqual([...fences].sort((a, b) => a - b));
  expect(record?.fence).toBe(fences.at(-1));
}

/** Claims a run and takes its messages into its log; what is left is the owner's. */
export async function taken(
  store: RunStore,
  run: string,
  params: Partial<CommitParams> = {},
): Promise<{ readonly ownership: Ownership; readonly seq: number }> {
  const { ownership, record, messages } = await claimed(store, run);
  const seq = await committed(store, ownership, {
    expectedSeq: record.seq,
    events: messages.map(({ data }) => ({ type: 'signal.received', data })),
    taken: messages.map((one) => one.id),
    ...params,
  });
  return { ownership, seq };
}
