/**
 * A copy of the sources in which a mutant is planted and judged, one after the other. The sources themselves are never
 * touched, so whoever stops this at any point leaves only a temporary directory behind.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Judge, Mutant } from './mutant.ts';

const copied = ['src', 'test', 'tools', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** Nothing that is content takes longer, on a machine that does other work as well. */
const contentMs = 600_000;
/** A mutant that makes its judge wait for good is found by that, but not by a machine that has become slower. */
const judgeMsMin = 60_000;
const slowness = 4;

/** How a judge ended: content; by a failure, with the test that failed; or it did not end in time. */
export type Opinion =
  | { readonly outcome: 'content' }
  | { readonly outcome: 'failed'; readonly test: string }
  | { readonly outcome: 'hung' };

/** `by` says what each judge saw. */
export type Verdict =
  | { readonly verdict: 'found'; readonly by: readonly string[] }
  | { readonly verdict: 'survived'; readonly judge: string }
  | { readonly verdict: 'not there' }
  /** Without the bug a judge is not content either, so it can find nothing. */
  | { readonly verdict: 'red without it'; readonly judge: string; readonly test: string };

interface Ended {
  /** Undefined when it was ended because it took too long. */
  readonly code: number | undefined;
}

export class Workshop implements AsyncDisposable {
  readonly #folder: string;
  readonly #calm = new Map<string, Opinion>();
  readonly #calmMs = new Map<string, number>();

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

  /** Asks the judges without the mutant, plants it, asks each of them again, and takes it out. */
  async try({ file, passage, by, foundBy }: Mutant): Promise<Verdict> {
    const path = join(this.#folder, 'src', file);
    const text = await readFile(path, 'utf8');
    if (text.split(passage).length !== 2) return { verdict: 'not there' };
    for (const judge of foundBy) {
      const opinion = await this.#withoutBugs(judge);
      if (opinion.outcome !== 'content') {
        return { verdict: 'red without it', judge: nameOf(judge), test: seenBy(judge, opinion) };
      }
    }
    await writeFile(
      path,
      text.replace(passage, () => by),
    );
    try {
      await this.#embed(file);
      const seen: string[] = [];
      for (const judge of foundBy) {
        const calm = this.#calmMs.get(nameOf(judge)) ?? 0;
        const opinion = await this.#judge(judge, Math.max(judgeMsMin, slowness * calm));
        if (opinion.outcome === 'content') return { verdict: 'survived', judge: nameOf(judge) };
        seen.push(seenBy(judge, opinion));
      }
      return { verdict: 'found', by: seen };
    } finally {
      await writeFile(path, text);
      await this.#embed(file);
    }
  }

  /** Asked once: what it says of the sources as they are does not change. */
  async #withoutBugs(judge: Judge): Promise<Opinion> {
    const known = this.#calm.get(nameOf(judge));
    if (known !== undefined) return known;
    const began = performance.now();
    const opinion = await this.#judge(judge, contentMs);
    this.#calm.set(nameOf(judge), opinion);
    this.#calmMs.set(nameOf(judge), performance.now() - began);
    return opinion;
  }

  /** Scripts are read from a module that is made of them. */
  async #embed(file: string): Promise<void> {
    if (file.endsWith('.lua')) await this.#run('tools/embed-lua.mjs', [], contentMs);
  }

  async #judge(judge: Judge, ms: number): Promise<Opinion> {
    if ('unit' in judge) return this.#test('unit', judge.unit, ms);
    if ('redis' in judge) {
      const isLanggraph = judge.redis.startsWith('test/langgraph/');
      return this.#test(isLanggraph ? 'langgraph' : 'redis', judge.redis, ms);
    }
    const compile = ['-p', 'tsconfig.json', '--noEmit', 'false', '--outDir', '.build', '--noCheck'];
    const compiled = await this.#run('node_modules/typescript/bin/tsc', compile, contentMs);
    if (compiled.code !== 0) throw new Error('a mutant does not compile');
    const { seed, calls } = judge.simulation;
    const how = ['--seed', String(seed), '--calls', String(calls)];
    return toOpinion(await this.#run('.build/test/simulation/main.js', how, ms), '');
  }

  /** Stops at the first test that fails: one is enough. */
  async #test(project: string, file: string, ms: number): Promise<Opinion> {
    const report = join(this.#folder, 'report.json');
    await rm(report, { force: true });
    const shown = ['--reporter', 'json', '--outputFile', report];
    const how = ['run', '--bail', '1', ...shown, '--project', project, file];
    const ended = await this.#run('node_modules/vitest/vitest.mjs', how, ms);
    return toOpinion(ended, ended.code === 0 ? '' : await firstFailure(report));
  }

  /** A judge that takes too long is ended with all that it has started. */
  #run(script: string, args: readonly string[], ms: number): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const options = { cwd: this.#folder, stdio: 'ignore', detached: true } as const;
      const child = spawn(process.execPath, [script, ...args], options);
      let isLate = false;
      const late = setTimeout(() => {
        isLate = true;
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      }, ms);
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(late);
        resolve({ code: isLate ? undefined : (code ?? 1) });
      });
    });
  }
}

function nameOf(judge: Judge): string {
  if ('unit' in judge) return judge.unit;
  if ('redis' in judge) return judge.redis;
  return `simulation, seed ${judge.simulation.seed}, ${judge.simulation.calls} calls`;
}

function toOpinion({ code }: Ended, test: string): Opinion {
  if (code === undefined) return { outcome: 'hung' };
  return code === 0 ? { outcome: 'content' } : { outcome: 'failed', test };
}

/** `file › test`. A file that cannot be loaded has no test that failed. */
function seenBy(judge: Judge, opinion: Opinion): string {
  if (opinion.outcome === 'hung') return `${nameOf(judge)}, which never ended`;
  const test = opinion.outcome === 'failed' ? opinion.test : '';
  return test === '' ? nameOf(judge) : `${nameOf(judge)} › ${test}`;
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function firstFailure(path: string): Promise<string> {
  let report: Report;
  try {
    report = JSON.parse(await readFile(path, 'utf8')) as Report;
  } catch {
    return '';
  }
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return tests.find(({ status }) => status === 'failed')?.fullName ?? '';
}
