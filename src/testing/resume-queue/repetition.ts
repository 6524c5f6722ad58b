import { setTimeout as sleep } from 'node:timers/promises';
import {
  listen,
  newWorkflow,
  quietMs,
  type ResumeQueueTest,
  type ResumeQueueTheme,
  until,
  wakeUp,
} from './opened.ts';

function waiting(test: ResumeQueueTest): void {
  test('the same wake-up sent again while it waits adds nothing', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const one = wakeUp(workflow, { fence: 5 });
    const last = wakeUp(workflow);
    for (let i = 0; i < 3; i++) await queue.send(one);
    await queue.send(one, { again: true });
    await queue.send(last);
    const listener = await listen(queue, workflow);
    await until('the last has arrived', () => listener.given.some(({ run }) => run === last.run));
    await sleep(quietMs);
    expect(listener.given.filter(({ run }) => run === one.run)).toEqual([one]);
    await listener.close();
  });

  test('wake-ups of one run at different fences are different', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const first = wakeUp(workflow, { fence: 1 });
    const second = { ...first, fence: 2 };
    await queue.send(first);
    await queue.send(second);
    const listener = await listen(queue, workflow);
    await until('both have arrived', () => listener.given.length >= 2);
    expect(new Set(listener.given.map(({ fence }) => fence))).toEqual(new Set([1, 2]));
    await listener.close();
  });

  test('a wake-up can be sent again once it has been handled', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const one = wakeUp(workflow);
    const listener = await listen(queue, workflow);
    for (let i = 1; i <= 3; i++) {
      await queue.send(one);
      await until(`it has arrived ${i} times`, () => listener.given.length >= i);
    }
    expect(listener.given[2]).toEqual(one);
    await listener.close();
  });
}

function atWork(test: ResumeQueueTest): void {
  test('the same wake-up sent while it is being handled is delivered afterwards', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const one = wakeUp(workflow);
    const listener = await listen(queue, workflow, { slow: true });
    await queue.send(one);
    await until('it is being handled', () => listener.given.length >= 1);
    for (let i = 0; i < 3; i++) await queue.send(one);
    await sleep(quietMs);
    expect(listener.given.length).toBe(1);
    listener.finish();
    await until('it has arrived again', () => listener.given.length >= 2);
    await sleep(quietMs);
    // Three that waited together are one.
    expect(listener.given).toEqual([one, one]);
    await listener.close();
  });

  test('the next wake-up of a run does not wait for the one of an earlier fence', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const before = wakeUp(workflow, { fence: 1 });
    const dying = await listen(queue, workflow, { slow: true });
    await queue.send(before);
    await until('it is being handled', () => dying.given.length >= 1);
    const next = { ...before, fence: 2, losses: 1 };
    await queue.send(next, { urgent: true });
    const listener = await listen(queue, workflow);
    await until('the next one has arrived', () => listener.given.length >= 1);
    expect(listener.given).toEqual([next]);
    dying.finish();
    await Promise.all([dying.close(), listener.close()]);
  });
}

function again(test: ResumeQueueTest): void {
  test('one sent again does not wait for somebody who may be dead', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const one = wakeUp(workflow);
    const dead = await listen(queue, workflow, { slow: true });
    await queue.send(one);
    await until('it is being handled', () => dead.given.length >= 1);
    await queue.send(one, { again: true });
    const listener = await listen(queue, workflow);
    await until('somebody else is given it', () => listener.given.length >= 1);
    expect(listener.given).toEqual([one]);
    expect(dead.given).toEqual([one]);
    dead.finish();
    await Promise.all([dead.close(), listener.close()]);
  });

  test('one sent again goes on being delivered however many have died over it', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const one = wakeUp(workflow);
    const dead = await listen(queue, workflow, { slow: true, concurrency: 4 });
    await queue.send(one);
    for (let i = 1; i < 4; i++) {
      await until(`${i} handle it`, () => dead.given.length >= i);
      await queue.send(one, { again: true });
    }
    await until('the last one handles it', () => dead.given.length >= 4);
    expect(dead.given).toEqual([one, one, one, one]);
    dead.finish();
    await dead.close();
  });

  test('one sent again several times while nobody has a place for it is one', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const one = wakeUp(workflow);
    const dead = await listen(queue, workflow, { slow: true });
    await queue.send(one);
    await until('it is being handled', () => dead.given.length >= 1);
    for (let i = 0; i < 3; i++) await queue.send(one, { again: true });
    const listener = await listen(queue, workflow);
    await until('somebody else is given it', () => listener.given.length >= 1);
    await sleep(quietMs);
    expect(listener.given).toEqual([one]);
    dead.finish();
    await Promise.all([dead.close(), listener.close()]);
  });
}

export const repetitionTheme: ResumeQueueTheme = {
  name: 'repetition',
  parts: [waiting, atWork, again],
};
