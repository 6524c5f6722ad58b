// Goal: `pawl init` makes a whole project and writes over nothing, and `pawl dev` shows what a worker does, through kills and
// changes of files, also where no Redis is. Method: real folders and processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { waitForRedis } from '../../src/testing/ping.ts';
import { cliEnv, cliMain, playCli } from '../support/cli.ts';
import { newPrefix } from '../support/workers.ts';

let folder = '';
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-init-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const init = (...args: string[]) => playCli(['init', ...args], cliEnv(), folder);

test('an empty folder becomes a project, named after it, of this version', async () => {
  await mkdir(join(folder, 'My Shop/.git'), { recursive: true });
  const made = await init('My Shop', '--json');
  expect(made.code, made.stderr).toBe(0);
  const { files } = JSON.parse(made.stdout) as { files: string[] };
  const wanted = ['.gitignore', 'compose.yaml', 'src/workflows.ts', 'test/order.test.ts'];
  expect(files).toEqual(expect.arrayContaining(wanted));
  const manifest = await readFile(join(folder, 'My Shop/package.json'), 'utf8');
  const root = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(root) as { version: string };
  expect(JSON.parse(manifest)).toMatchObject({
    name: 'my-shop',
    dependencies: { pawl: `^${version}` },
  });
});

test('nothing is written over', async () => {
  await writeFile(join(folder, 'notes.txt'), 'mine');
  const refused = await init();
  expect(refused).toMatchObject({ code: 4, stdout: '' });
  expect(refused.stderr).toMatch(/is not empty \(notes\.txt\); nothing was written/);
  expect(await readdir(folder)).toEqual(['notes.txt']);
  const isFile = await init('notes.txt');
  expect(isFile).toMatchObject({ code: 2, stderr: expect.stringContaining('is a file') });
  expect((await init('new/deep')).code).toBe(0);
  expect((await init('new/deep')).code).toBe(4);
});

const workflow = (version: string): string => `
  import { defineWorkflow } from '${new URL('../../dist/index.js', import.meta.url).href}';
  export const slow = defineWorkflow({
    name: 'slow',
    run: async (ctx) => {
      await ctx.step('first', () => 1);
      await ctx.step('long', (step) => new Promise((resolve, reject) => {
        setTimeout(resolve, 1500);
        step.signal.addEventListener('abort', () => reject(step.signal.reason));
      }));
      return '${version}';
    },
  });
  export const wrong = defineWorkflow({ name: 'wrong', run: () => { throw new Error('no card'); } });`;

/** `pawl dev` with what it has printed so far. */
function dev(env: NodeJS.ProcessEnv, ...flags: string[]) {
  const args = [cliMain, 'dev', '--runs', 'flows.mjs', ...flags];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  const type = (line: string): void => void child.stdin.write(`${line}\n`);
  const seen = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => (seen.text += data.toString()));
  }
  const until = (pattern: RegExp): Promise<void> =>
    expect.poll(() => seen.text, { timeout: 20_000, interval: 25 }).toMatch(pattern);
  const end = async (): Promise<void> => {
    child.kill('SIGINT');
    if (child.exitCode === null) await once(child, 'exit');
  };
  return { child, seen, type, until, end };
}

/** Sends the form of the page of workers that kills the worker; resolves with where it leads. */
async function killOnPage(url: string, id: string): Promise<string | null> {
  const page = await (await fetch(`${url}workers`)).text();
  const to = `/workers/${encodeURIComponent(id)}/kill`;
  expect(page).toContain(`action="${to}"`);
  const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const answer = await fetch(new URL(to, url), {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: new URL(url).origin },
    body: new URLSearchParams({ token, sure: 'yes' }),
  });
  expect(answer.status, await answer.text()).toBe(303);
  return answer.headers.get('location');
}

test('dev tells runs, steps and failures, survives a kill from its page, and loads a changed file', async () => {
  await writeFile(join(folder, 'flows.mjs'), workflow('one'));
  const redis = { PAWL_REDIS_URL: inject('redisUrl'), PAWL_PREFIX: newPrefix() };
  const env = cliEnv(redis);
  const { child, seen, until, end } = dev(env);
  await until(/Pages: http[^]*worker \S+ is ready, process \d+: slow, wrong/);
  const start = (name: string, id: string) =>
    playCli(['runs', 'start', name, '--id', id, '--runs', 'flows.mjs'], env, folder);
  expect((await start('wrong', 'w1')).code).toBe(0);
  await until(/wrong w1 failed: Error: no card/);
  await start('slow', 's1');
  await until(/ {2}s1 first \d+ ms/);
  const [url = ''] = /http:\S+/.exec(seen.text) ?? [];
  const [, lost = '', pid = ''] = /worker (\S+) is ready, process (\d+)/.exec(seen.text) ?? [];
  expect(Number(pid)).not.toBe(child.pid);
  expect(await (await fetch(`${url}workers`)).text()).toContain(`kill -9 ${pid}`);
  expect(await killOnPage(url, lost)).toBe('/workers?done=kill');
  expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/);
  await until(/kills worker[^]*by SIGKILL[^]*slow s1 taken over from \S+ \(presence-lost/);
  await until(/slow s1 completed/);
  const heir = [...seen.text.matchAll(/worker (\S+) is ready/g)][1]?.[1];
  const run = await (await fetch(`${url}runs/s1`)).text();
  for (const owner of [lost, heir]) expect(run).toContain(`title="${owner}"`);
  expect(run).toContain('class="lost"');
  await writeFile(join(folder, 'flows.mjs'), 'this is no program');
  await until(/A file has changed[^]*ended with code 2/);
  await writeFile(join(folder, 'flows.mjs'), workflow('two'));
  await until(/ended with code 2[^]*is ready, process/);
  await start('slow', 's2');
  await until(/slow s2 completed/);
  expect((await playCli(['runs', 'show', 's2'], env, folder)).stdout).toMatch(/^output +"two"$/m);
  expect(await (await fetch(`${url}runs`)).text()).toContain('s2');
  await end();
  await expect(fetch(url)).rejects.toThrow();
}, 60_000);

test('without any Redis, dev says aloud that nothing is durable, and shows runs all the same', async (context) => {
  const usual = { host: '127.0.0.1', port: 6379 };
  const isThere = await waitForRedis(usual, 100).then(
    () => true,
    () => false,
  );
  context.skip(isThere, 'this machine has a Redis at the usual place');
  await writeFile(join(folder, 'flows.mjs'), workflow('one'));
  const env = cliEnv({ PATH: fileURLToPath(new URL('.', import.meta.url)) });
  const { seen, type, until, end } = dev(env);
  await until(/NOTHING IS DURABLE[^]*To have a Redis: sudo apt-get|brew|wsl/);
  await until(/wrong \S+ failed: Error: no card/);
  // The first run waits in its long step: a thread that is terminated there is taken over by the other one.
  await until(/is ready, a thread[^]*is ready, a thread[^]* {2}\S+ first \d+ ms/);
  type('kill');
  await until(
    /was terminated, in the middle of its work[^]*slow \S+ taken over from \S+ \(presence-lost/,
  );
  await until(/slow \S+ completed/);
  const [url = ''] = /http:\S+/.exec(seen.text) ?? [];
  const ready = (): string[] =>
    [...seen.text.matchAll(/worker (\S+) is ready/g)].map(([, id = '']) => id);
  await expect.poll(() => ready().length, { timeout: 10_000 }).toBe(3);
  const last = ready().at(-1) ?? '';
  expect(await killOnPage(url, last)).toBe('/workers?done=kill');
  await until(new RegExp(`terminates worker ${last}[^]*worker ${last} was terminated`));
  type('start wrong');
  await until(/wrong \S+ failed[^]*wrong \S+ failed/);
  type('star wrong');
  await until(/Type kill, or start <workflow>/);
  type('start none');
  await until(/has no workflow none/);
  await writeFile(join(folder, 'flows.mjs'), workflow('two'));
  await until(/A file has changed[^]*is ready, a thread/);
  expect(await (await fetch(`${url}runs`)).text()).toContain('completed');
  await end();
}, 60_000);
