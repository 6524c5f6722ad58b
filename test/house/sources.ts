import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Source {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const notOurs = new Set(['node_modules', '.git', 'dist', '.build', 'coverage']);
const textFile = /\.(ts|mjs|js|json|lua|md|yml|yaml|txt)$|^(LICENSE|run|\.gitignore|\.npmrc)$/;

/** Every text file of the repository, tests and settings included. */
export const sources: readonly Source[] = walk(root);

/** The lines that are code: those in files of these folders, the generated one left out. */
export function code(...folders: readonly string[]): Source[] {
  return sources.filter(
    ({ path }) =>
      /\.(ts|mjs)$/.test(path) &&
      !path.endsWith('.gen.ts') &&
      folders.some((folder) => path.startsWith(`${folder}/`)),
  );
}

/** A file that must be there; a rule about it cannot pass by its absence. */
export function source(path: string): Source {
  const found = sources.find((candidate) => candidate.path === path);
  if (found === undefined) throw new Error(`${path} is missing, and a house rule is about it.`);
  return found;
}

function walk(folder: string): Source[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : walk(path);
    if (!entry.isFile() || !textFile.test(entry.name)) return [];
    return [{ path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }];
  });
}
