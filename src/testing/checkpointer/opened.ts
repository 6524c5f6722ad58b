/** What the tests of a checkpointer are given, and the few moves they share. */
import { randomUUID } from 'node:crypto';
import type { Checkpointer, Claim } from '../../core/checkpointer.ts';
import { PawlError } from '../../core/errors.ts';
import type { RunEvent } from '../../core/event.ts';
import type { Expect, Register, Theme } from '../runner.ts';

/** A checkpointer, open, and what a test cannot do through the contract. */
export interface OpenedCheckpointer {
  /** The checkpointer that the tests use. */
  readonly checkpointer: Checkpointer;
  /** Another one on the same data, as another process has it. */
  readonly other: Checkpointer;
  /** Lets time pass on the checkpointer's clock. */
  advance(ms: number): Promise<void>;
  /** Makes the newest event of a run unreadable; resolves with a text that the error must hold. */
  damageEvent(run: string): Promise<string>;
  /** Makes the snapshot of a run, whose state has a field `n`, unreadable; resolves with a text that the error must hold. */
  damageState(run: string): Promise<string>;
  /** Closes both checkpointers, after the last test. */
  close(): Promise<void>;
}

export interface CheckpointerCase extends Omit<OpenedCheckpointer, 'close'> {
  readonly expect: Expect;
}

export type CheckpointerTheme = Theme<CheckpointerCase>;
export type CheckpointerTest = Register<CheckpointerCase>;

export function newRun(): string {
  return `run-${randomUUID()}`;
}

/** A workflow that no other test has runs of. */
export function newWorkflow(): string {
  return `w-${randomUUID().slice(0, 20)}`;
}

/** The whole log, or a part of it. */
export async function eventsOf(
  checkpointer: Checkpointer,
  run: string,
  range?: { readonly since?: number; readonly limit?: number },
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of checkpointer.listEvents(run, range)) events.push(event);
  return events;
}

/** All a checkpointer shows of a run: what must not change when a write is refused. */
export async function everything(checkpointer: Checkpointer, run: string): Promise<unknown> {
  return {
    info: await checkpointer.info(run),
    latest: await checkpointer.loadLatest(run),
    events: await eventsOf(checkpointer, run),
    checkpoints: await checkpointer.checkpoints(run),
  };
}

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<PawlError> {
  try {
    await call;
  } catch (error) {
    if (PawlError.is(error)) return error;
    throw error;
  }
  throw new Error('The call was to fail, and did not.');
}

/** Every kind of write a claim has, by name. */
export const everyWrite: readonly (readonly [string, (claim: Claim) => Promise<unknown>])[] = [
  ['an event', (claim) => claim.saveEvent({ type: 'refused' })],
  ['events', (claim) => claim.saveEvents([{ type: 'refused' }, { type: 'refused' }])],
  ['a snapshot', (claim) => claim.saveSnapshot({ refused: true })],
  [
    'a kept snapshot',
    (claim) => claim.saveSnapshot({ refused: true }, { checkpoint: { node: 'r' } }),
  ],
  ['an end', (claim) => claim.finish('refused')],
  ['a release', (claim) => claim.release()],
];
