// Goal: the tool that brings servers says what to do when it cannot, and leaves nothing half in its cache. Method: the tool
// as a process, with a cache of its own and without any program on its PATH.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const tool = new URL('../../../tools/servers.mjs', import.meta.url).pathname;
let cache = '';

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'pawl-servers-'));
});

afterEach(() => rm(cache, { recursive: true }));

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function servers(...args: readonly string[]): Promise<Ended> {
  const env = { PATH: '', PAWL_SERVERS_DIR: cache };
  return new Promise((resolve) => {
    execFile(process.execPath, [tool, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

/** As if the server had been brought. */
async function put(folder: string): Promise<string> {
  const bin = join(cache, folder, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'valkey-server'), '');
  return join(bin, 'valkey-server');
}

test('where there is no apt, it says so and what to do, and leaves nothing', async () => {
  const { code, stdout, stderr } = await servers('valkey-8.0');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(
    'valkey-8.0 cannot be had. There is no apt-get here: this is not Debian.',
  );
  expect(stderr).toContain('Set PAWL_REDIS_SERVER');
  expect(await readdir(cache)).toEqual([]);
});

test('a server that is there is not brought again', async () => {
  const binary = await put('valkey-8.1');
  expect(await servers('valkey-8.1')).toEqual({ code: 0, stdout: `${binary}\n`, stderr: '' });
  const { stdout } = await servers();
  expect(stdout).toContain(`valkey-8.1\t${binary}\n`);
  expect(stdout).toContain("valkey-9.1\tin Debian's forky\n");
});

test('what a crash has left goes with the next call; what another process makes stays', async () => {
  await put('valkey-8.1');
  // No process has so high a number.
  const dead = `.partial-${2 ** 30}-valkey-9.1`;
  const alive = `.partial-${process.pid}-valkey-9.1`;
  await Promise.all([put(dead), put(alive)]);
  expect((await servers('valkey-8.1')).code).toBe(0);
  expect((await readdir(cache)).toSorted()).toEqual([alive, 'valkey-8.1']);
});

test.each([['mysql'], ['valkey-8.1', 'more']])(
  '%s: the usage, and exit code 2',
  async (...args) => {
    const { code, stderr } = await servers(...args);
    expect(code).toBe(2);
    expect(stderr).toContain('valkey-9.1');
  },
);
