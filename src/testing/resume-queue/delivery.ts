import { setTimeout as sleep } from 'node:timers/promises';
import {
  listen,
  newWorkflow,
  quietMs,
  type ResumeQueueTest,
  type ResumeQueueTheme,
  runsOf,
  until,
  wakeUp,
} from './opened.ts';

function content(test: ResumeQueueTest): void {
  test('a wake-up arrives with all it carries', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow);
    const sent = [
      wakeUp(workflow),
      wakeUp(workflow, { fence: 1_700_000_000_123_456, losses: 2 }),
      wakeUp(workflow, { run: 'A-z_0.9~', fence: Number.MAX_SAFE_INTEGER }),
    ];
    for (const one of sent) await queue.send(one);
    await until('all have arrived', () => listener.given.length >= sent.length);
    for (const one of sent) {
      expect(listener.given.find(({ run }) => run === one.run)).toEqual(one);
    }
    await listener.close();
  });

  test('what else a wake-up’s sender knows about the run is not sent along', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const one = wakeUp(workflow);
    const due = { ...one, status: 'interrupted' };
    await queue.send(due);
    const listener = await listen(queue, workflow);
    await until('it has arrived', () => listener.given.length > 0);
    expect(listener.given[0]).toMatchObject(one);
    await listener.close();
  });

  test('wake-ups wait until somebody listens', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const sent = [wakeUp(workflow), wakeUp(workflow), wakeUp(workflow)];
    for (const one of sent) await queue.send(one);
    const listener = await listen(queue, workflow);
    await until('all have arrived', () => listener.given.length >= sent.length);
    expect(runsOf(listener.given).sort()).toEqual(runsOf(sent).sort());
    await listener.close();
  });
}

function whom(test: ResumeQueueTest): void {
  test('wake-ups of a workflow stay for a consumer that knows it', async ({ queue, expect }) => {
    const [known, unknown] = [newWorkflow(), newWorkflow()];
    const listener = await listen(queue, known);
    const other = wakeUp(unknown);
    await queue.send(other);
    await queue.send(wakeUp(known));
    await until('the known one has arrived', () => listener.given.length > 0);
    await sleep(quietMs);
    expect(listener.given.map(({ workflow }) => workflow)).toEqual([known]);
    const knowing = await listen(queue, unknown);
    await until('the other one has arrived', () => knowing.given.length > 0);
    expect(knowing.given).toEqual([other]);
    await Promise.all([listener.close(), knowing.close()]);
  });

  test('a consumer of several workflows is given the wake-ups of all', async (opened) => {
    const { queue, expect } = opened;
    const workflows = [newWorkflow(), newWorkflow(), newWorkflow()];
    const listener = await listen(queue, '', { workflows });
    const sent = workflows.map((workflow) => wakeUp(workflow));
    for (const one of sent) await queue.send(one);
    await until('all have arrived', () => listener.given.length >= sent.length);
    expect(runsOf(listener.given).sort()).toEqual(runsOf(sent).sort());
    await listener.close();
  });

  test('several consumers share the wake-ups of a workflow', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const slow = { slow: true, concurrency: 2 };
    const listeners = [await listen(queue, workflow, slow), await listen(queue, workflow, slow)];
    const sent = Array.from({ length: 4 }, () => wakeUp(workflow));
    for (const one of sent) await queue.send(one);
    const given = (): string[] => listeners.flatMap((listener) => runsOf(listener.given));
    await until('all places are taken', () => given().length >= 4);
    for (const listener of listeners) expect(listener.given.length).toBe(2);
    expect(given().sort()).toEqual(runsOf(sent).sort());
    for (const listener of listeners) listener.finish();
    await Promise.all(listeners.map((listener) => listener.close()));
  });

  test('two queues on the same messenger reach each other’s consumers', async (opened) => {
    const { queue, open, expect } = opened;
    const other = await open();
    const workflow = newWorkflow();
    const listener = await listen(other, workflow);
    const one = wakeUp(workflow);
    await queue.send(one);
    await until('it has arrived', () => listener.given.length > 0);
    expect(listener.given).toEqual([one]);
    await other.close();
  });
}

function howMany(test: ResumeQueueTest): void {
  test('no more handlers are at work than the concurrency, for each workflow', async (opened) => {
    const { queue, expect } = opened;
    const workflows = [newWorkflow(), newWorkflow()];
    const listener = await listen(queue, '', { workflows, concurrency: 2, slow: true });
    const sent = workflows.flatMap((workflow) => Array.from({ length: 5 }, () => wakeUp(workflow)));
    for (const one of sent) await queue.send(one);
    const busy = (): number[] => workflows.map((workflow) => listener.atWork.get(workflow) ?? 0);
    await until('all places are taken', () => busy().every((count) => count >= 2));
    await sleep(quietMs);
    expect(busy()).toEqual([2, 2]);
    expect(listener.given.length).toBe(4);
    listener.finish();
    await until('all have arrived', () => listener.given.length >= sent.length);
    expect(runsOf(listener.given).sort()).toEqual(runsOf(sent).sort());
    await listener.close();
  });

  test('a workflow may have a pace of its own', async ({ queue, expect }) => {
    const [slow, fast] = [newWorkflow(), newWorkflow()];
    const options = { workflows: [slow, fast], concurrency: 3, slow: true };
    const listener = await listen(queue, '', { ...options, paces: { [slow]: { concurrency: 1 } } });
    for (let i = 0; i < 5; i++) {
      await queue.send(wakeUp(slow));
      await queue.send(wakeUp(fast));
    }
    await until('all places are taken', () => listener.atWork.get(fast) === 3);
    await sleep(quietMs);
    expect([listener.atWork.get(slow), listener.atWork.get(fast)]).toEqual([1, 3]);
    listener.finish();
    await until('all have arrived', () => listener.given.length >= 10);
    await listener.close();
  });

  test('no more are delivered in a stretch of time than the rate, over all consumers', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const perMs = 1_500;
    const paces = { [workflow]: { rate: { max: 3, perMs } } };
    const options = { concurrency: 10, paces };
    const listeners = [
      await listen(queue, workflow, options),
      await listen(queue, workflow, options),
    ];
    const given = (): number => listeners.reduce((sum, one) => sum + one.given.length, 0);
    const began = performance.now();
    const times: number[] = [];
    const sent = Array.from({ length: 7 }, () => wakeUp(workflow));
    for (const one of sent) await queue.send(one);
    for (const count of [4, 7]) {
      await until(`${count} have arrived`, () => given() >= count);
      times.push(performance.now() - began);
    }
    // Three in each stretch: the fourth begins the second stretch, the seventh the third.
    expect(times[0]).toBeGreaterThan(perMs * 0.8);
    expect(times[1]).toBeGreaterThan(perMs * 1.8);
    expect(listeners.flatMap((one) => runsOf(one.given)).sort()).toEqual(runsOf(sent).sort());
    await Promise.all(listeners.map((listener) => listener.close()));
  });

  test('the lower priority goes first, and among equals the first sent', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const sent = [20, 10, 0, 10, 0].map((priority) => wakeUp(workflow, { priority }));
    for (const one of sent) await queue.send(one);
    const listener = await listen(queue, workflow);
    await until('all have arrived', () => listener.given.length >= sent.length);
    expect(listener.given.map(({ run }) => sent.findIndex((one) => one.run === run))).toEqual([
      2, 4, 1, 3, 0,
    ]);
    await listener.close();
  });

  test('an urgent wake-up goes in front of a backlog', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const backlog = Array.from({ length: 5 }, () => wakeUp(workflow));
    for (const one of backlog) await queue.send(one);
    const urgent = wakeUp(workflow);
    await queue.send(urgent, { urgent: true });
    const listener = await listen(queue, workflow);
    await until('all have arrived', () => listener.given.length >= 6);
    expect(listener.given[0]?.run).toBe(urgent.run);
    expect(runsOf(listener.given).sort()).toEqual(runsOf([...backlog, urgent]).sort());
    await listener.close();
  });
}

export const deliveryTheme: ResumeQueueTheme = {
  name: 'delivery',
  parts: [content, whom, howMany],
};
