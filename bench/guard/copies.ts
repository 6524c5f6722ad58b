/**
 * Builds of other sources than those at hand, in temporary folders: of a commit, or of the working directory with something
 * planted. Whoever stops this at any point leaves only such a folder behind.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const copied = [
  'src',
  'bench',
  'test',
  'tools',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];

export class Copy implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** The full name of a commit; undefined when this clone does not have it. */
  static async commit(name: string): Promise<string | undefined> {
    try {
      const { stdout } = await git('rev-parse', '--verify', '--quiet', `${name}^{commit}`);
      return stdout.trim();
    } catch {
      return undefined;
    }
  }

  /** True when what is measured is what the last commit has. */
  static async isCommitted(): Promise<boolean> {
    const { stdout } = await git('status', '--porcelain', '--', 'src', 'bench');
    return stdout.trim() === '';
  }

  static async ofCommit(commit: string): Promise<Copy> {
    const copy = await Copy.#make();
    const archive = join(copy.#folder, 'sources.tar');
    await git('archive', '--output', archive, commit);
    await run('tar', ['-xf', archive, '-C', copy.#folder]);
    await copy.build();
    return copy;
  }

  static async ofWorkingDirectory(): Promise<Copy> {
    const copy = await Copy.#make();
    for (const name of copied) {
      await cp(join(root, name), join(copy.#folder, name), { recursive: true });
    }
    return copy;
  }

  static async #make(): Promise<Copy> {
    const folder = await mkdtemp(join(tmpdir(), 'pawl-guard-'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    return new Copy(folder);
  }

  /** What a contender's process runs. */
  get main(): string {
    return join(this.#folder, '.build/bench/contender-main.js');
  }

  async build(): Promise<void> {
    const node = (...args: string[]) => run(process.execPath, args, { cwd: this.#folder });
    await node('tools/embed-lua.mjs');
    const how = ['-p', 'tsconfig.json', '--noEmit', 'false', '--outDir', '.build', '--noCheck'];
    await node('node_modules/typescript/bin/tsc', ...how);
  }

  /** Builds it with something else in place of a passage, which stands in the file exactly once. */
  async plant(file: string, passage: string, by: string): Promise<void> {
    const path = join(this.#folder, 'src', file);
    const text = await readFile(path, 'utf8');
    if (text.split(passage).length !== 2) throw new Error(`${file} has not once: ${passage}`);
    await writeFile(
      path,
      text.replace(passage, () => by),
    );
    try {
      await this.build();
    } finally {
      await writeFile(path, text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}

function git(...args: string[]): Promise<{ readonly stdout: string }> {
  return run('git', args, { cwd: root });
}
