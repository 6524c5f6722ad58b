import { setTimeout as sleep } from 'node:timers/promises';
import type { ResumeQueue, WakeUp } from '../../core/queue.ts';
import { eventually } from '../eventually.ts';
import {
  listen,
  newWorkflow,
  quietMs,
  type ResumeQueueTest,
  type ResumeQueueTheme,
  until,
  wakeUp,
} from './opened.ts';

/** A queue that people may look into has all of these; any other has none. */
const looks = ['inspect', 'isPaused', 'pause', 'canary'] as const;
const keeps = ['failures', 'forget', 'settle'] as const;
type Whole<Names extends keyof ResumeQueue> = ResumeQueue & Required<Pick<ResumeQueue, Names>>;

function canBeLookedInto(queue: ResumeQueue): queue is Whole<(typeof looks)[number]> {
  return queue.inspect !== undefined;
}

function keepsFailures(queue: ResumeQueue): queue is Whole<(typeof keeps)[number]> {
  return queue.failures !== undefined;
}

const canaryMs = 10_000;
const msMax = 15_000;

/** Resolves when what is read is so. */
async function soon(what: string, holds: () => Promise<boolean>): Promise<void> {
  const look = async (): Promise<true | undefined> => (await holds()) || undefined;
  await eventually({ advance: sleep }, what, look, msMax);
}

function wholeness(test: ResumeQueueTest): void {
  test('a queue has all that people look by, or nothing of it', async ({ queue, expect }) => {
    for (const names of [looks, keeps]) {
      const there = names.filter((name) => queue[name] !== undefined);
      expect([0, names.length]).toContain(there.length);
    }
  });
}

function depths(test: ResumeQueueTest): void {
  test('what waits, what is at work and what has failed is counted', async ({ queue, expect }) => {
    if (!canBeLookedInto(queue)) return;
    const workflow = newWorkflow();
    const empty = await queue.inspect(workflow);
    expect(empty).toMatchObject({ workflow, paused: false, waiting: 0, active: 0, failed: 0 });
    expect(empty.oldestAt).toBe(undefined);
    const before = Date.now();
    for (let i = 0; i < 3; i++) await queue.send(wakeUp(workflow));
    const full = await queue.inspect(workflow);
    expect(full).toMatchObject({ waiting: 3, active: 0, failed: 0, sent: empty.sent + 3 });
    expect(full.oldestAt?.getTime()).toBeGreaterThan(before - 60_000);
    expect(full.oldestAt?.getTime()).toBeLessThan(Date.now() + 60_000);
    let left = 1;
    const answer = async () =>
      left-- > 0
        ? ({ outcome: 'failed', reason: 'the run failed' } as const)
        : ({ outcome: 'done' } as const);
    const listener = await listen(queue, workflow, { slow: true, answer });
    await soon('one is at work', async () => (await queue.inspect(workflow)).active === 1);
    expect(await queue.inspect(workflow)).toMatchObject({ waiting: 2 });
    listener.finish();
    await soon('all are over', async () => {
      const { waiting, active, failed } = await queue.inspect(workflow);
      return waiting === 0 && active === 0 && failed === 1;
    });
    await listener.close();
  });
}

function pauses(test: ResumeQueueTest): void {
  test('a paused queue holds its wake-ups back for everybody, until it goes on', async (opened) => {
    const { queue, open, expect } = opened;
    if (!canBeLookedInto(queue)) return;
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow);
    await queue.pause(workflow, true);
    const other = await open();
    expect(await other.isPaused?.(workflow)).toBe(true);
    expect(await other.inspect?.(workflow)).toMatchObject({ paused: true });
    // Others are not held back.
    expect(await queue.isPaused(newWorkflow())).toBe(false);
    await other.send(wakeUp(workflow));
    await sleep(quietMs);
    expect(listener.given).toEqual([]);
    await other.pause?.(workflow, false);
    await until('it has arrived', () => listener.given.length === 1);
    expect(await queue.isPaused(workflow)).toBe(false);
    await listener.close();
  });
}

function canaries(test: ResumeQueueTest): void {
  test('a canary tells whether a consumer takes what is sent, and is given to no handler', async (opened) => {
    const { queue, expect } = opened;
    if (!canBeLookedInto(queue)) return;
    const workflow = newWorkflow();
    expect(await queue.canary(workflow, quietMs)).toBe(undefined);
    const listener = await listen(queue, workflow);
    expect(await queue.canary(workflow, canaryMs)).toBeGreaterThanOrEqual(0);
    await queue.pause(workflow, true);
    expect(await queue.canary(workflow, quietMs)).toBe(undefined);
    await queue.pause(workflow, false);
    await queue.send(wakeUp(workflow));
    await until('the wake-up has arrived', () => listener.given.length === 1);
    expect(await queue.canary(workflow, canaryMs)).toBeGreaterThanOrEqual(0);
    expect(listener.given.length).toBe(1);
    await listener.close();
  });
}

function failures(test: ResumeQueueTest): void {
  /** So many deliveries that have failed, the first one first. */
  async function failed(queue: ResumeQueue, workflow: string, count: number): Promise<WakeUp[]> {
    const answer = async () => ({ outcome: 'failed', reason: 'the run failed' }) as const;
    const listener = await listen(queue, workflow, { answer });
    const sent: WakeUp[] = [];
    for (let i = 0; i < count; i++) {
      const one = wakeUp(workflow, { fence: 10 + i });
      await queue.send(one);
      await until('it has arrived', () => listener.given.length === i + 1);
      sent.push(one);
    }
    await listener.close();
    await soon('all are kept', async () => {
      const kept = await queue.failures?.(workflow, 0, 10);
      return kept?.length === count;
    });
    return sent;
  }

  test('failures are listed with their runs, the newest first, a part at a time', async (opened) => {
    const { queue, expect } = opened;
    if (!keepsFailures(queue)) return;
    const workflow = newWorkflow();
    expect(await queue.failures(workflow, 0, 10)).toEqual([]);
    const sent = await failed(queue, workflow, 3);
    const newest = sent.toReversed().map(({ run, fence }) => ({ run, fence }));
    const listed = await queue.failures(workflow, 0, 10);
    expect(listed.map(({ run, fence }) => ({ run, fence }))).toEqual(newest);
    expect((await queue.failures(workflow, 1, 1)).map(({ run }) => run)).toEqual([newest[1]?.run]);
    expect(await queue.failures(workflow, 3, 10)).toEqual([]);
  });

  test('those that are forgotten are gone; unknown ones are no fault', async ({
    queue,
    expect,
  }) => {
    if (!keepsFailures(queue)) return;
    const workflow = newWorkflow();
    const sent = await failed(queue, workflow, 2);
    const [newest] = await queue.failures(workflow, 0, 1);
    await queue.forget(workflow, [newest?.job ?? '', '999999']);
    const left = await queue.failures(workflow, 0, 10);
    expect(left.map(({ run }) => run)).toEqual([sent[0]?.run]);
    await queue.forget(workflow, [newest?.job ?? '']);
    expect(await queue.failures(workflow, 0, 10)).toHaveLength(1);
  });

  test('what is settled goes soon; a failure with the same fence or a later one stays', async (opened) => {
    const { queue, expect } = opened;
    if (!keepsFailures(queue)) return;
    const workflow = newWorkflow();
    const [past, present] = await failed(queue, workflow, 2);
    if (past === undefined || present === undefined) throw new Error('nothing has failed');
    queue.settle({ run: present.run, workflow, fence: present.fence });
    queue.settle({ run: past.run, workflow, fence: past.fence + 1 });
    await soon('the settled one is gone', async () => {
      const left = await queue.failures(workflow, 0, 10);
      return !left.some(({ run }) => run === past.run);
    });
    const left = await queue.failures(workflow, 0, 10);
    expect(left.map(({ run }) => run)).toEqual([present.run]);
  });
}

export const lookingTheme: ResumeQueueTheme = {
  name: 'looking',
  parts: [wholeness, depths, pauses, canaries, failures],
};
