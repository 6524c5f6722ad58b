// Goal: what the producer of a stream has stored stays readable when it is killed, another one goes on, and one that was
// replaced while it was frozen adds nothing. Method: real processes on a real Redis; a reader that never stops reading.
import { afterEach, expect, inject, test } from 'vitest';
import { Pawl } from 'pawl';
import { resumableStore } from 'pawl/assistant-ui';
import { compiled, killChildren, type NodeChild, spawnNode } from '../support/child.ts';
import type { ProducerSetup } from '../support/stream-main.ts';
import { newPrefix } from '../support/workers.ts';

let pawl: Pawl | undefined;
afterEach(async () => {
  await killChildren();
  await pawl?.close();
});

const storedBy = ({ messages }: NodeChild): number =>
  messages.filter((message) => 'stored' in message).length;

test('a producer is killed, one is frozen, and the stream has each number once, in order', async () => {
  const setup: ProducerSetup = { url: inject('redisUrl'), prefix: newPrefix(), to: 300 };
  const start = (): NodeChild =>
    spawnNode(compiled('test/support/stream-main.ts'), [JSON.stringify(setup)]);
  pawl = await Pawl.open({ redis: setup.url, prefix: setup.prefix });
  const store = resumableStore(pawl);

  const killed = start();
  await killed.waitFor((message) => message['stored'] === 20);
  const texts: string[] = [];
  const reading = (async () => {
    for await (const { chunk } of store.read('s', '', new AbortController().signal)) {
      texts.push(new TextDecoder().decode(chunk));
    }
  })();
  killed.kill();
  await killed.exit;
  expect(await store.status('s')).toBe('streaming');
  await expect.poll(() => texts.length).toBeGreaterThanOrEqual(storedBy(killed));

  const frozen = start();
  const { next } = await frozen.waitFor(({ message }) => message === 'ready');
  expect(next).toBeGreaterThanOrEqual(storedBy(killed));
  await expect.poll(() => storedBy(frozen)).toBeGreaterThan(20);
  frozen.kill('SIGSTOP');
  const last = start();
  await expect.poll(() => storedBy(last)).toBeGreaterThan(20);
  frozen.kill('SIGCONT');
  expect(await frozen.waitFor((message) => 'refused' in message)).toEqual({ refused: 'missing' });
  expect(await last.waitFor((message) => 'finished' in message)).toEqual({ finished: true });
  await reading;
  expect(texts.join('')).toBe(Array.from({ length: setup.to }, (_, i) => `${i} `).join(''));
  expect(await store.status('s')).toBe('done');
  await Promise.all([frozen.exit, last.exit]);
});
