// Goal: agents of OpenAI's SDK, and their sessions, survive SIGKILL: no stored call is made again, no item is lost or there
// twice, and a page has each token one time. Method: real processes that are killed at random moments, on a real Redis.
import { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, expect, inject, test } from 'vitest';
import { Pawl } from 'pawl';
import { PawlSession, uiMessageStream } from 'pawl/openai-agents';
import { compiled, killChildren, type NodeChild, spawnNode } from '../support/child.ts';
import { type AgentsSetup, talkOf, turns } from '../support/openai-agents-main.ts';
import type { WriterSetup } from '../support/session-main.ts';
import { isThorough } from '../support/thorough.ts';
import { newPrefix } from '../support/workers.ts';

const url = inject('redisUrl');
const kills = isThorough ? 20 : 2;
const redis = new Redis(url, { lazyConnect: true });
let pawl: Pawl | undefined;

afterEach(async () => {
  await killChildren();
  await pawl?.close();
});
afterAll(() => redis.disconnect());

async function start(name: string, setup: AgentsSetup | WriterSetup): Promise<NodeChild> {
  const child = spawnNode(compiled(`test/support/${name}-main.ts`), [JSON.stringify(setup)]);
  await child.waitFor(({ message }) => message === 'ready');
  return child;
}

test('writers to one session are killed again and again, and each change is there, once', async () => {
  const prefix = newPrefix();
  const to = isThorough ? 400 : 40;
  async function write(writer: string): Promise<void> {
    let from = 0;
    for (let killed = 0; ; killed += 1) {
      const child = await start('session', { url, prefix, writer, from, to });
      if (killed < kills) {
        await pause(Math.random() * (isThorough ? 500 : 60));
        child.kill();
      } else await child.waitFor(({ message }) => message === 'done', 60_000);
      await child.exit;
      const written = child.messages.flatMap((one) => ('written' in one ? [one['written']] : []));
      // What was sent last is sent again: it may be there, or not.
      from += written.length;
      if (killed === kills) return;
    }
  }
  await Promise.all(['a', 'b'].map((writer) => write(writer)));
  pawl = await Pawl.open({ redis: url, prefix });
  const items = await new PawlSession(pawl, { sessionId: 'shared' }).getItems();
  const texts = items.map((item) =>
    'content' in item && typeof item.content === 'string' ? item.content : '',
  );
  for (const writer of ['a', 'b']) {
    expect(texts.filter((text) => text.startsWith(writer))).toEqual(
      Array.from({ length: to }, (_, i) => [`${writer} ${i}`, `${writer} ${i}, too`]).flat(),
    );
  }
  // Both items of a change were one save.
  expect(texts.every((text, i) => i % 2 === 0 || text === `${texts[i - 1]}, too`)).toBe(true);
  const [listed] = (await pawl.checkpointer.listRuns({ workflow: 'openai-session' })).runs;
  expect(listed).toMatchObject({ run: 'session~shared', status: 'queued' });
}, 60_000);

test('an agent is killed in the middle of its answer, and goes on elsewhere in the same stream', async () => {
  const prefix = newPrefix();
  pawl = await Pawl.open({ redis: url, prefix });
  const started = await pawl.start(
    talkOf(pawl, () => Promise.resolve()),
    { session: 's' },
  );
  let text = '';
  let step = '';
  const page = (async () => {
    for await (const { type, delta } of uiMessageStream(started)) {
      if (type === 'start-step') [text, step] = [text + step, ''];
      if (type === 'reset-step') step = '';
      if (type === 'text-delta') step += String(delta);
    }
    return text + step;
  })();
  const answering = (async () => {
    await expect.poll(async () => (await started.info()).waits).toHaveLength(1);
    await started.answer('answer/approval:call-0', { approved: true });
  })();
  let worker = await start('openai-agents', { url, prefix });
  await answering;
  for (let killed = 0; killed < kills; killed += 1) {
    const next = await start('openai-agents', { url, prefix });
    await pause(Math.random() * 60);
    worker.kill();
    worker = next;
  }
  const answer = 'One word after the other. ';
  expect(await started.result({ timeoutMs: 30_000 })).toBe(answer);
  expect(await page).toBe(answer.repeat(turns + 1));
  // A call begins when the one before it is stored: none of those begins again.
  const diary = await redis.lrange(`${prefix}:diary`, 0, -1);
  const places = diary.map((line) => Number.parseInt(line, 10));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(new Set(places).size).toBe(2 * turns + 1);
  const history = await new PawlSession(pawl, { sessionId: 's' }).getItems();
  expect(history.map((item) => item.type)).toEqual([
    'message',
    ...Array.from({ length: turns }, () => [
      'message',
      'function_call',
      'function_call_result',
    ]).flat(),
    'message',
  ]);
}, 60_000);
