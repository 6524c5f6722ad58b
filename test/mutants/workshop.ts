/**
 * A copy of the sources in which a mutant is planted and judged, one after the other. The sources themselves are never
 * touched, so whoever stops this at any point leaves only a temporary directory behind.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Judge, Mutant } from './mutants.ts';

const copied = ['src', 'test', 'tools', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** A mutant that makes its judge wait for good is found by that. */
const judgeMs = 120_000;

export type Verdict = 'found' | 'survived' | 'not there';

export class Workshop implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Copies the sources of the working directory. */
  static async open(): Promise<Workshop> {
    const folder = await mkdtemp(join(tmpdir(), 'pawl-mutants-'));
    for (const name of copied) await cp(name, join(folder, name), { recursive: true });
    await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
    return new Workshop(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }

  /** True when a judge is content with the sources as they are: one that is not finds nothing. */
  async isContent(judge: Judge): Promise<boolean> {
    return (await this.#judge(judge)) === 0;
  }

  /** Plants the mutant, asks each of its judges, and takes it out again. */
  async try({ file, passage, by, foundBy }: Mutant): Promise<Verdict> {
    const path = join(this.#folder, 'src', file);
    const text = await readFile(path, 'utf8');
    if (text.split(passage).length !== 2) return 'not there';
    await writeFile(
      path,
      text.replace(passage, () => by),
    );
    try {
      await this.#embed(file);
      for (const judge of foundBy) if ((await this.#judge(judge)) === 0) return 'survived';
      return 'found';
    } finally {
      await writeFile(path, text);
      await this.#embed(file);
    }
  }

  /** Scripts are read from a module that is made of them. */
  async #embed(file: string): Promise<void> {
    if (file.endsWith('.lua')) await this.#run('tools/embed-lua.mjs', []);
  }

  /** The judge's exit code; another than 0 when it takes too long. */
  async #judge(judge: Judge): Promise<number> {
    if ('unit' in judge) return this.#test('unit', judge.unit);
    if ('redis' in judge) return this.#test('redis', judge.redis);
    const compile = ['-p', 'tsconfig.json', '--noEmit', 'false', '--outDir', '.build', '--noCheck'];
    const compiled = await this.#run('node_modules/typescript/bin/tsc', compile);
    if (compiled !== 0) throw new Error('a mutant does not compile');
    const { seed, calls } = judge.simulation;
    const how = ['--seed', String(seed), '--calls', String(calls)];
    return this.#run('.build/test/simulation/main.js', how);
  }

  /** Stops at the first test that fails: one is enough. */
  #test(project: string, file: string): Promise<number> {
    const how = ['run', '--bail', '1', '--project', project, file];
    return this.#run('node_modules/vitest/vitest.mjs', how);
  }

  /** A judge that takes too long is ended with all that it has started. */
  #run(script: string, args: readonly string[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const options = { cwd: this.#folder, stdio: 'ignore', detached: true } as const;
      const child = spawn(process.execPath, [script, ...args], options);
      const late = setTimeout(() => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      }, judgeMs);
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(late);
        resolve(code ?? 1);
      });
    });
  }
}

export function nameOf(judge: Judge): string {
  if ('unit' in judge) return judge.unit;
  if ('redis' in judge) return judge.redis;
  return `simulation, seed ${judge.simulation.seed}, ${judge.simulation.calls} calls`;
}
