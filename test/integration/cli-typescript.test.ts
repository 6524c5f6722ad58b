// Goal: `--runs file.ts` works with whatever reads TypeScript in the user's project, and else says what to install.
// Method: projects in folders of their own, read by the compiled command line in a process. tsx is played by a package of
// the same shape, whose `require` condition leads astray, as that of the real one does.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compiled } from '../support/child.ts';

const stripsTypes = typeof (process.features as { typescript?: unknown }).typescript === 'string';
const modules = pathToFileURL(compiled('src/cli/modules.ts')).href;
const pawl = pathToFileURL(compiled('src/index.ts')).href;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-ts-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** Names of the workflows that the command line finds in a file of the project, or the error. */
function workflowsOf(file: string): Promise<readonly string[] | string> {
  const script = `
    const { loadWorkflows } = await import('${modules}');
    try { console.log(JSON.stringify([...(await loadWorkflows(process.argv[1])).keys()])); }
    catch (error) { console.log(JSON.stringify(error.name + ': ' + error.message)); }`;
  const args = ['--no-warnings', '--input-type=module', '--eval', script, join(folder, file)];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as readonly string[] | string);
      else reject(error);
    });
  });
}

const typed = (name: string): string => `
import { defineWorkflow } from ${JSON.stringify(pawl)};
const result: number = 1;
export const workflow = defineWorkflow({ name: '${name}', run: (): number => result });`;

/** TypeScript that has to be compiled, in two files that name each other as Node wants it. */
const whole = {
  'one.ts': `${typed('one')}\nexport enum Colour { red = 'red' }`,
  'all.ts':
    "import { Colour, workflow } from './one.js';\nexport const all = Colour.red ? [workflow] : [];",
};

/** Has the shape of tsx 4; what it loads is the file of the same name that ends in .done.mjs or .done.cjs. */
const fakeTsx = {
  'node_modules/tsx/package.json': JSON.stringify({
    name: 'tsx',
    type: 'module',
    exports: {
      './package.json': './package.json',
      './esm/api': {
        import: { types: './none.d.mts', default: './esm.mjs' },
        require: { default: './astray.cjs' },
      },
      './cjs/api': { import: { default: './cjs.mjs' }, require: { default: './astray.cjs' } },
    },
  }),
  'node_modules/tsx/esm.mjs':
    "export const tsImport = (file) => import(file.replace(/\\.ts$/, '.done.mjs'));",
  'node_modules/tsx/cjs.mjs': `
    import { createRequire } from 'node:module';
    export const register = () => {
      const { _extensions: read } = createRequire(import.meta.url)('node:module');
      read['.ts'] = (module, file) => read['.js'](module, file.replace(/\\.ts$/, '.done.cjs'));
    };`,
  'node_modules/tsx/astray.cjs': "throw new Error('not by require');",
};

test.each(['module', 'commonjs'])('tsx is used where the project has it: %s', async (type) => {
  const done = `const name = 'by-tsx-${type}';`;
  await write({
    ...whole,
    ...fakeTsx,
    'package.json': JSON.stringify({ type }),
    'all.done.mjs': `import { defineWorkflow } from ${JSON.stringify(pawl)};
      ${done} export const w = defineWorkflow({ name, run: () => 1 });`,
    'all.done.cjs': `const { defineWorkflow } = require(${JSON.stringify(fileURLToPath(pawl))});
      ${done} exports.w = defineWorkflow({ name, run: () => 1 });`,
  });
  expect(await workflowsOf('all.ts')).toEqual([`by-tsx-${type}`]);
});

// A tool of this repository brings it along; it is not ours to demand.
const jiti = join(fileURLToPath(new URL('../../node_modules', import.meta.url)), 'jiti');

test.skipIf(!existsSync(jiti))('jiti is used where it is the only one that can', async () => {
  await write({ ...whole, 'package.json': '{"type":"module"}' });
  await mkdir(join(folder, 'node_modules'));
  await symlink(jiti, join(folder, 'node_modules/jiti'));
  expect(await workflowsOf('all.ts')).toEqual(['one']);
});

test('Node reads the types away where it can, and else it is said what to install', async () => {
  await write({ ...whole, 'package.json': '{"type":"module"}', 'plain.ts': typed('plain') });
  const said = await workflowsOf('all.ts');
  expect(said).toMatch(/^UsageError: .*all\.ts/);
  expect(said).toContain('npm install --save-dev tsx');
  if (stripsTypes) {
    expect(await workflowsOf('plain.ts')).toEqual(['plain']);
    expect(said).toContain('Node reads only a part of TypeScript');
  } else {
    expect(await workflowsOf('plain.ts')).toContain('does not read TypeScript');
    expect(said).toContain(`Node ${process.versions.node} does not read TypeScript`);
  }
});

test('what a file itself throws is told, and it is not loaded again', async () => {
  const thrower =
    'globalThis.times = (globalThis.times ?? 0) + 1;\nthrow new Error(`mine ${times}`);';
  await write({
    ...fakeTsx,
    'package.json': '{"type":"module"}',
    'bad.ts': '',
    'bad.done.mjs': thrower,
  });
  expect(await workflowsOf('bad.ts')).toMatch(/bad\.ts could not be loaded: mine 1$/);
});

test('what is exported instead of a workflow is named', async () => {
  await write({
    'package.json': '{"type":"module"}',
    'definition.mjs': "export const w = { name: 'w', run: () => 1 };",
    'fields.mjs': `import { defineWorkflow } from ${JSON.stringify(pawl)};
      const w = defineWorkflow({ name: 'inside', run: () => 1 });
      ${['export', 'default'].join(' ')} { w };`,
    'nothing.mjs': 'export const n = 1;',
  });
  expect(await workflowsOf('definition.mjs')).toMatch(/a definition: pass defineWorkflow/);
  expect(await workflowsOf('fields.mjs')).toEqual(['inside']);
  expect(await workflowsOf('nothing.mjs')).toMatch(/exports no workflow/);
});
