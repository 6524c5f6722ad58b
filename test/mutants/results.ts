/**
 * What became of each mutant: one file each, written when its verdict is there. So a pass that was ended goes on later, and
 * several passes over parts of the list share the folder. A result counts as long as the mutant, its source and the files of
 * its judges are the same.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';
import type { Verdict } from './workshop.ts';

export interface Result {
  readonly name: string;
  readonly verdict: Verdict;
  readonly seconds: number;
  /** Of the mutant, its source and its judges. */
  readonly digest: string;
}

export class Results {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The verdict of an earlier pass, if everything it was about is the same. */
  async of(mutant: Mutant): Promise<Result | undefined> {
    let result: Result;
    try {
      result = JSON.parse(await readFile(this.#path(mutant), 'utf8')) as Result;
    } catch {
      return undefined;
    }
    return result.digest === (await digestOf(mutant)) ? result : undefined;
  }

  async note(mutant: Mutant, verdict: Verdict, seconds: number): Promise<Result> {
    const result = { name: mutant.name, verdict, seconds, digest: await digestOf(mutant) };
    await mkdir(this.#folder, { recursive: true });
    await writeFile(this.#path(mutant), `${JSON.stringify(result, undefined, 2)}\n`);
    return result;
  }

  #path({ name }: Mutant): string {
    return join(this.#folder, `${name.replaceAll(' ', '-')}.json`);
  }
}

async function digestOf(mutant: Mutant): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(mutant));
  hash.update(await readFile(join('src', mutant.file)));
  for (const judge of mutant.foundBy) {
    if ('unit' in judge) hash.update(await readFile(judge.unit));
    if ('redis' in judge) hash.update(await readFile(judge.redis));
  }
  return hash.digest('hex');
}
