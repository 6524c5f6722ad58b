// Goal: the recipe for esbuild is true. Method: the program of the page, bundled by the commands of the page with the real
// esbuild, and started on a real Redis.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { blocksOf, fileOf } from '../support/docs/blocks.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = 'docs/recipes/esbuild.md';
// Inside of the repository, so that `pawl` is the built package.
const folder = join(root, '.build/bundle');
const run = promisify(execFile);

test('a program is bundled into one file, as CommonJS or with the banner', async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const blocks = blocksOf(page, await readFile(join(root, page), 'utf8'));
  const program = blocks.find((block) => fileOf(block) === 'one-file.mjs');
  await writeFile(join(folder, 'one-file.mjs'), program?.text ?? '');
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
  expect(commands).toHaveLength(2);
  const bundle = (command: string): Promise<unknown> =>
    run('bash', ['-c', command.replaceAll('npx esbuild', '"$ESBUILD" --log-level=warning')], {
      cwd: folder,
      env: { ...process.env, ESBUILD: join(root, 'node_modules/.bin/esbuild') },
    });
  const plain = commands[1]?.replace(/ \\\n.*/, '').replace('one-file.mjs\n', 'plain.mjs\n') ?? '';
  await Promise.all([...commands, plain].map(bundle));
  const play = (file: string): Promise<{ stdout: string }> => {
    const env = { ...process.env, REDIS_URL: inject('redisUrl') };
    return run(process.execPath, [join(folder, 'dist', file)], { cwd: folder, env });
  };
  expect((await play('one-file.cjs')).stdout).toBe('42\n');
  expect((await play('one-file.mjs')).stdout).toBe('42\n');
  await expect(play('plain.mjs')).rejects.toThrow(/Dynamic require of .* is not supported/);
});
