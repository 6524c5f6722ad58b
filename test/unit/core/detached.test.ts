// Goal: work that nobody waits for never ends the process.
// Method: rejections of every kind, and a count of those that nobody took.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { detach } from '../../../src/core/detached.ts';

test('what fails goes to its place, and a place that fails itself is no second failure', async () => {
  const unhandled: unknown[] = [];
  const count = (error: unknown): void => {
    unhandled.push(error);
  };
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', count);
  try {
    const heard: unknown[] = [];
    detach(Promise.resolve('fine'), (error) => heard.push(error));
    detach(Promise.reject(new Error('lost')), (error) => heard.push(String(error)));
    detach(Promise.reject(undefined), (error) => heard.push(error));
    detach(Promise.reject(new Error('lost')), () => {
      throw new Error('nobody to tell');
    });
    await turn();
    await turn();
    expect(heard).toEqual(['Error: lost', undefined]);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', count);
    for (const other of others) process.on('unhandledRejection', other);
  }
});
