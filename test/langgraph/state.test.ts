// Goal: the state of a thread is seen without code, in the library, on the shell and on the pages, also encrypted. Method: a
// thread on a real Redis, read by a pawl, by the command line and through the pages.
import { expect, inject, test } from 'vitest';
import { dashboard } from '../../src/dashboard.ts';
import { Pawl } from '../../src/index.ts';
import type { PawlSaver } from '../../src/langgraph.ts';
import { playCli } from '../support/cli.ts';
import { newPrefix } from '../support/workers.ts';
import { atRoot, metadata, newCheckpoint, openSaver } from './savers.ts';

const run = 'thread~t';

async function twoCheckpoints(saver: PawlSaver): Promise<void> {
  const first = newCheckpoint({ topic: 'boats', words: 1 });
  const config = await saver.put(atRoot('t'), first, metadata(), { topic: 1, words: 1 });
  const second = newCheckpoint({ topic: 'boats', words: 2 }, { topic: 1, words: 2 });
  await saver.put(config, second, metadata({ step: 1 }), { words: 2 });
}

const changed = { path: ['words'], kind: 'changed', before: 1, after: 2 };

test.each([
  ['in clear', undefined],
  ['encrypted', { keys: { a: Buffer.alloc(32, 1) }, current: 'a', required: true }],
])('a pawl tells the state of a thread %s, and what differs', async (_, encryption) => {
  const prefix = newPrefix();
  const more = encryption === undefined ? {} : { encryption };
  const { saver } = await openSaver({ prefix, ...more });
  await twoCheckpoints(saver);
  const pawl = await Pawl.open({ redis: inject('redisUrl'), prefix, ...more });
  const handle = pawl.run(run);
  expect(await handle.state()).toEqual({ topic: 'boats', words: 2 });
  expect(await handle.state({ seq: 1 })).toEqual({});
  expect(await handle.state({ seq: 2 })).toEqual({ topic: 'boats', words: 1 });
  expect(await handle.diff({ seq: 2 }, { seq: 3 })).toEqual([changed]);
  await expect(handle.state({ seq: 9 })).rejects.toMatchObject({ code: 'PAWL_INVALID' });
  await saver.prune('t', { keepLast: 1 });
  await expect(handle.state({ seq: 2 })).rejects.toMatchObject({ code: 'PAWL_FORGOTTEN' });
});

test('the shell and the pages show the state of a thread, and what differs', async () => {
  const { saver, prefix } = await openSaver();
  await twoCheckpoints(saver);
  const redis = inject('redisUrl');
  const where = ['--redis', redis, '--prefix', prefix, '--json'];
  const diff = await playCli(['runs', 'diff', run, '2', '3', ...where]);
  expect(JSON.parse(diff.stdout)).toEqual([changed]);
  const state = await playCli(['runs', 'state', run, ...where]);
  expect(JSON.parse(state.stdout)).toEqual({ topic: 'boats', words: 2 });
  const pawl = await Pawl.open({ redis, prefix });
  const page = await dashboard(pawl).fetch(new Request(`http://127.0.0.1/runs/${run}?at=3`));
  const text = await page.text();
  expect(page.status).toBe(200);
  expect(text).toContain('From 2 to 3');
  expect(text).toContain('langgraph~thread');
});
