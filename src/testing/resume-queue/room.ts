/** A consumer with room, on the queue that sends: a queue may hand it what is sent without a detour, by the same rules. */
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

const concurrency = 8;

function withRoom(test: ResumeQueueTest): void {
  test('with room, the same wake-up is handled once at a time, and afterwards again', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const one = wakeUp(workflow);
    const listener = await listen(queue, workflow, { slow: true, concurrency });
    await queue.send(one);
    await until('it is being handled', () => listener.given.length >= 1);
    for (let i = 0; i < 3; i++) await queue.send(one);
    await sleep(quietMs);
    expect(listener.given.length).toBe(1);
    listener.finish();
    await until('it has arrived again', () => listener.given.length >= 2);
    await sleep(quietMs);
    expect(listener.given).toEqual([one, one]);
    await listener.close();
  });

  test('with room, no more handlers are at work than the concurrency', async (opened) => {
    const { queue, expect } = opened;
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow, { slow: true, concurrency });
    const sent = Array.from({ length: 3 * concurrency }, () => wakeUp(workflow));
    // One after the other, then the rest at once: both ways of filling the places.
    for (const one of sent.slice(0, 5)) await queue.send(one);
    await Promise.all(sent.slice(5).map((one) => queue.send(one)));
    await until('all places are taken', () => listener.given.length >= concurrency);
    await sleep(quietMs);
    expect(listener.atWork.get(workflow)).toBe(concurrency);
    listener.finish();
    await until('all have arrived', () => listener.given.length >= sent.length);
    expect(runsOf(listener.given).sort()).toEqual(runsOf(sent).sort());
    await listener.close();
  });

  test('with room, a paused queue holds back what is sent', async ({ queue, expect }) => {
    if (queue.pause === undefined) return;
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow, { concurrency });
    await queue.pause(workflow, true);
    await queue.send(wakeUp(workflow));
    await sleep(quietMs);
    expect(listener.given).toEqual([]);
    await queue.pause(workflow, false);
    await until('it has arrived', () => listener.given.length === 1);
    await listener.close();
  });

  test('with room, a failure is kept for people', async ({ queue, expect }) => {
    if (queue.failures === undefined) return;
    const workflow = newWorkflow();
    const answer = async () => ({ outcome: 'failed', reason: 'the run failed' }) as const;
    const listener = await listen(queue, workflow, { answer, concurrency });
    const one = wakeUp(workflow, { fence: 7 });
    await queue.send(one);
    let kept: readonly { readonly run: string; readonly fence: number }[] = [];
    for (let look = 0; kept.length === 0 && look < 100; look++) {
      await sleep(quietMs);
      kept = await queue.failures(workflow, 0, 10);
    }
    expect(kept.map(({ run, fence }) => ({ run, fence }))).toEqual([{ run: one.run, fence: 7 }]);
    expect(listener.given.length).toBe(1);
    await listener.close();
  });
}

function closing(test: ResumeQueueTest): void {
  test('closing a consumer with room waits for its handlers', async ({ queue, expect }) => {
    const workflow = newWorkflow();
    const listener = await listen(queue, workflow, { slow: true, concurrency });
    await queue.send(wakeUp(workflow));
    await until('it is being handled', () => listener.given.length >= 1);
    const closed = listener.close();
    expect(await Promise.race([closed, sleep(quietMs, 'still open')])).toBe('still open');
    const later = wakeUp(workflow);
    await queue.send(later);
    listener.finish();
    await closed;
    expect(listener.given.length).toBe(1);
    const next = await listen(queue, workflow);
    await until('the later one has arrived', () => next.given.length >= 1);
    expect(next.given).toEqual([later]);
    await next.close();
  });
}

export const roomTheme: ResumeQueueTheme = { name: 'room', parts: [withRoom, closing] };
