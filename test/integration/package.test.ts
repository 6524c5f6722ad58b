// Goal: what npm would publish works in an empty project. Method: pack, unpack beside the dependencies, run the README's
// program as it stands there.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
let project = '';

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'pawl-package-'));
  // The scripts are left out: `npm test` has built dist already, and another test may be reading it.
  const packed = await run(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', project],
    {
      cwd: root,
    },
  );
  const report: unknown = JSON.parse(packed.stdout);
  const [{ filename }] = Object.values(report as Record<string, { filename: string }>) as [
    { filename: string },
  ];
  const installed = join(project, 'node_modules/pawl');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(project, filename), '-C', installed, '--strip-components=1']);
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    const place = join(project, 'node_modules', name);
    // Some have a scope, which is a folder.
    await mkdir(dirname(place), { recursive: true });
    await symlink(join(root, 'node_modules', name), place);
  }
});

afterAll(() => rm(project, { recursive: true, force: true }));

test('the README’s program runs in an empty project with the packed package', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const program = /```js\n(\/\/ example\.mjs[\s\S]*?)```/.exec(readme)?.[1] ?? '';
  await writeFile(join(project, 'example.mjs'), program);
  const { stdout } = await run(process.execPath, ['example.mjs'], {
    cwd: project,
    env: { ...process.env, REDIS_URL: inject('redisUrl') },
  });
  expect(stdout).toContain('1 run.created');
  expect(stdout).toMatch(/\{ words: 510 \}\s*$/);
});

test('only the entries that are meant to be public can be reached', async () => {
  const script = `
    const names = [
      ...['pawl', 'pawl/store', 'pawl/testing', 'pawl/package.json'],
      ...['pawl/dist/index.js', 'pawl/core/fold.js'],
    ];
    for (const name of names) {
      const options = name.endsWith('.json') ? { with: { type: 'json' } } : {};
      await import(name, options).then(() => console.log('+', name), () => console.log('-', name));
    }`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: project,
  });
  expect(stdout.trim().split('\n')).toEqual([
    '+ pawl',
    '+ pawl/store',
    '+ pawl/testing',
    '+ pawl/package.json',
    '- pawl/dist/index.js',
    '- pawl/core/fold.js',
  ]);
});
