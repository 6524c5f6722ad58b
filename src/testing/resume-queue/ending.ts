import { setTimeout as sleep } from 'node:timers/promises';
import type { WakeUp } from '../../core/queue.ts';
import {
  listen,
  newWorkflow,
  quietMs,
  type ResumeQueueTest,
  type ResumeQueueTheme,
  until,
  wakeUp,
} from './opened.ts';

function failures(test: ResumeQueueTest): void {
  test('a consumer goes on after a handler has thrown', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const [bad, good] = [wakeUp(workflow), wakeUp(workflow)];
    const answer = async ({ run }: WakeUp) => {
      if (run === bad.run) throw new Error('the handler broke');
      return { outcome: 'done' } as const;
    };
    const listener = await listen(queue, workflow, { answer });
    await queue.send(bad);
    await until('the bad one has arrived', () => listener.given.length >= 1);
    await queue.send(good);
    await until('the good one has arrived', () =>
      listener.given.some(({ run }) => run === good.run),
    );
    // And the bad one may come again.
    const before = listener.given.length;
    await queue.send(bad, { again: true });
    await until('the bad one has arrived again', () => listener.given.length > before);
    expect(listener.given.at(-1)).toEqual(bad);
    await listener.close();
  });

  test('a consumer goes on after a run has failed', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const answer = async () => ({ outcome: 'failed', reason: 'the run failed' }) as const;
    const listener = await listen(queue, workflow, { answer });
    const sent = [wakeUp(workflow), wakeUp(workflow), wakeUp(workflow)];
    for (const one of sent) await queue.send(one);
    await until('all have arrived', () => listener.given.length >= 3);
    await sleep(quietMs);
    // The run says by itself whether it is to be run again.
    expect(listener.given.length).toBe(3);
    await queue.send(wakeUp(workflow));
    await until('one more has arrived', () => listener.given.length >= 4);
    await listener.close();
  });
}

function consumers(test: ResumeQueueTest): void {
  test('closing a consumer waits for its handlers', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow, { slow: true, concurrency: 2 });
    for (let i = 0; i < 2; i++) await queue.send(wakeUp(workflow));
    await until('both are being handled', () => listener.given.length >= 2);
    const closing = listener.close();
    expect(await Promise.race([closing, sleep(quietMs, 'still open')])).toBe('still open');
    listener.finish();
    await closing;
    expect(listener.atWork.get(workflow)).toBe(0);
  });

  test('a consumer that is closed takes nothing more: what waits is for others', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow, { slow: true });
    const [first, second] = [wakeUp(workflow), wakeUp(workflow)];
    await queue.send(first);
    await until('the first is being handled', () => listener.given.length >= 1);
    await queue.send(second);
    const closing = listener.close();
    listener.finish();
    await closing;
    await sleep(quietMs);
    expect(listener.given).toEqual([first]);
    const next = await listen(queue, workflow);
    await until('the second has arrived', () => next.given.length >= 1);
    expect(next.given).toEqual([second]);
    await next.close();
  });

  test('a consumer may be closed twice', async ({ queue }) => {
    const listener = await listen(queue, newWorkflow());
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
  });
}

function queues(test: ResumeQueueTest): void {
  test('closing a queue waits for the handlers of its consumers', async ({ open, expect }) => {
    const queue = await open();
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow, { slow: true });
    await queue.send(wakeUp(workflow));
    await until('it is being handled', () => listener.given.length >= 1);
    const closing = queue.close();
    expect(await Promise.race([closing, sleep(quietMs, 'still open')])).toBe('still open');
    listener.finish();
    await closing;
    expect(listener.atWork.get(workflow)).toBe(0);
    await listener.close();
  });

  test('a closed queue refuses to send and to consume, as PAWL_CLOSED', async (opened) => {
    const { open, expect } = opened;
    const queue = await open();
    const workflow = newWorkflow();
    await queue.send(wakeUp(workflow));
    await queue.close();
    const refusals = [
      await queue.send(wakeUp(workflow)).catch((error: unknown) => error),
      await queue.send(wakeUp(newWorkflow()), { again: true }).catch((error: unknown) => error),
      await listen(queue, workflow).catch((error: unknown) => error),
    ];
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'PAWL_CLOSED' });
  });

  test('a queue may be closed twice, and without having been used', async ({ open }) => {
    const queue = await open();
    await Promise.all([queue.close(), queue.close()]);
    await queue.close();
  });
}

export const endingTheme: ResumeQueueTheme = {
  name: 'ending',
  parts: [failures, consumers, queues],
};
