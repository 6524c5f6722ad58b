/** What the tests of a queue are given, and the few moves they share. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, ConsumeOptions, Delivery, ResumeQueue, WakeUp } from '../../core/queue.ts';
import { eventually } from '../eventually.ts';
import type { Expect, Register, Theme } from '../runner.ts';

/** A queue, open for one test. */
export interface OpenedResumeQueue {
  /** The queue that the test uses. */
  readonly queue: ResumeQueue;
  /** Closes the queue, if a test has not, and whatever it stands on. */
  close(): Promise<void>;
}

/** What a test is given. */
export interface ResumeQueueCase {
  readonly queue: ResumeQueue;
  /** Opens one more queue, for a test to close. */
  readonly open: () => Promise<ResumeQueue>;
  readonly expect: Expect;
}

export type ResumeQueueTheme = Theme<ResumeQueueCase>;
export type ResumeQueueTest = Register<ResumeQueueCase>;

/** Long enough for a wake-up that should not come to have come. */
export const quietMs = 100;

const msMax = 15_000;

/** A workflow that no other test has wake-ups of. */
export function newWorkflow(): string {
  return `w-${randomUUID().slice(0, 18)}`;
}

export function wakeUp(workflow: string, params: Partial<WakeUp> = {}): WakeUp {
  return { run: `run-${randomUUID()}`, workflow, fence: 0, losses: 0, ...params };
}

/** Resolves as soon as `holds`. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  await eventually({ advance: sleep }, what, () => holds() || undefined, msMax);
}

/** A consumer that writes down what it is given. */
export interface Listener extends Consumer {
  /** In the order of delivery. */
  readonly given: readonly WakeUp[];
  /** Handlers at work now, by workflow. */
  readonly atWork: ReadonlyMap<string, number>;
  /** Lets all handlers that wait for it finish, and those that come. */
  finish(): void;
}

export interface ListenOptions extends Partial<Omit<ConsumeOptions, 'handle'>> {
  /** Handlers wait for `finish`. */
  readonly slow?: boolean;
  readonly answer?: (wakeUp: WakeUp) => Promise<Delivery>;
}

/** The ways to finish of all listeners: a test that failed has not let its handlers go. */
const finishes = new Set<() => void>();

/** Lets every handler of every listener go, so that queues can close. */
export function finishAll(): void {
  for (const finish of finishes) finish();
  finishes.clear();
}

export async function listen(
  queue: ResumeQueue,
  workflow: string,
  options: ListenOptions = {},
): Promise<Listener> {
  const given: WakeUp[] = [];
  const atWork = new Map<string, number>();
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  finishes.add(open);
  const count = (name: string, change: number): void => {
    atWork.set(name, (atWork.get(name) ?? 0) + change);
  };
  const consumer = await queue.consume({
    workflows: options.workflows ?? [workflow],
    concurrency: options.concurrency ?? 1,
    ...(options.paces === undefined ? {} : { paces: options.paces }),
    handle: async (one) => {
      given.push(one);
      count(one.workflow, 1);
      try {
        if (options.slow === true) await gate;
        return (await options.answer?.(one)) ?? { outcome: 'done' };
      } finally {
        count(one.workflow, -1);
      }
    },
  });
  return { given, atWork, finish: () => open(), close: () => consumer.close() };
}

/** The runs of wake-ups, for comparing. */
export function runsOf(wakeUps: readonly WakeUp[]): string[] {
  return wakeUps.map(({ run }) => run);
}
