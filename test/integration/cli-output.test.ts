// Goal: the command shows what a run gives out. Method: real Redis, a worker in this process, the command in one of its own.
import { tmpdir } from 'node:os';
import { expect, inject, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { cliEnv, playCli } from '../support/cli.ts';
import { newPrefix, openPawl } from '../support/workers.ts';

const chat = defineWorkflow({
  name: 'chat',
  run: (ctx) =>
    ctx.step('talk', async (step) => {
      await step.write('a word');
      await step.output('log').write({ line: 1 });
      await step.write('the end');
    }),
});

test('runs output shows chunks from a number on, of one output, and until the run has ended', async () => {
  const url = inject('redisUrl');
  const prefix = newPrefix();
  await using pawl = await openPawl(url, prefix);
  await using _ = pawl.worker({ workflows: [chat] });
  await pawl.start(chat, undefined, { id: 'chat-1' });
  const env = cliEnv({ PAWL_REDIS: url, PAWL_PREFIX: prefix });
  const output = (...args: readonly string[]) =>
    playCli(['runs', 'output', 'chat-1', ...args], env, tmpdir());
  const [followed, log, rest] = await Promise.all([
    output('--follow'),
    output('--follow', '--name', 'log', '--json'),
    output('--follow', '--from', '3'),
  ]);
  expect(followed).toMatchObject({ code: 0, stderr: '' });
  expect(followed.stdout.replaceAll(/\d{4}-\S+Z/g, 'then')).toBe(
    '     1+ then  default talk  "a word"\n     2+ then  log talk  {"line":1}\n     3  then  default talk  "the end"\n',
  );
  expect(JSON.parse(log.stdout)).toMatchObject({ number: 2, output: 'log', value: { line: 1 } });
  expect(rest.stdout).toContain('"the end"');
  expect(rest.stdout).not.toContain('a word');
});
