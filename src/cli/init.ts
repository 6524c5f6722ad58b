/**
 * `pawl init`: a project that works, in an empty folder. `npm create pawl` is the same.
 *
 * Nothing that is there is ever written over: a folder with anything in it is refused before the first file, and each file
 * is made only if there is none. A crash in between leaves some of the files; the next attempt says so, and writes nothing.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { RefusedError, UsageError } from './failures.ts';
import { type Add, inShell, type Shell } from './shell.ts';

export const addInit: Add = (program, signal) => {
  program
    .command('init')
    .description('Makes a project in an empty folder: a workflow, a worker, a crash test.')
    .argument('[folder]', 'made when it is not there; default: this one')
    .action(inShell(signal, (shell, folder: string = '.') => init(shell, folder)));
};

/** What git itself makes is no project. */
const ignored: ReadonlySet<string> = new Set(['.git', '.DS_Store']);

async function init(shell: Shell, given: string): Promise<void> {
  const folder = resolve(given);
  const name = packageName(basename(folder));
  const present = await filesOf(folder);
  if (present.length > 0) {
    throw new RefusedError(
      `${folder} is not empty (${present.slice(0, 3).join(', ')}${present.length > 3 ? ' …' : ''}); nothing was written. Name a new folder: pawl init my-app.`,
    );
  }
  const manifest = createRequire(import.meta.url).resolve('pawl/package.json');
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const template = join(dirname(manifest), 'templates/project');
  const written: string[] = [];
  for (const path of await templateFiles(template)) {
    const text = await readFile(join(template, path), 'utf8');
    const to = join(folder, path === 'gitignore' ? '.gitignore' : path);
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, path === 'package.json' ? named(text, name, version) : text, {
      flag: 'wx',
    });
    written.push(relative(folder, to));
  }
  shell.show({ folder, files: written }, () => written);
  const enter = folder === process.cwd() ? '' : `cd ${given} && `;
  shell.say(`next: ${enter}npm install && npm test, then read README.md`);
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !ignored.has(name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') throw new UsageError(`${folder} is a file, not a folder.`);
    throw new UsageError(`${folder} cannot be read: ${String(error)}`, { cause: error });
  }
}

async function templateFiles(template: string): Promise<readonly string[]> {
  const entries = await readdir(template, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(template, join(entry.parentPath, entry.name)))
    .toSorted();
}

/** What npm takes for a name. */
function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'my-app' : name;
}

function named(text: string, name: string, version: string): string {
  const about = JSON.parse(text) as { dependencies: Record<string, string> };
  const dependencies = { ...about.dependencies, pawl: `^${version}` };
  return `${JSON.stringify({ ...about, name, dependencies }, undefined, 2)}\n`;
}
