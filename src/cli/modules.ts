/** Files of the user: their workflows and their configuration, in JavaScript or TypeScript. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkWorkflow, isWorkflow } from '../engine/definition/check-workflow.ts';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';
import { UsageError } from './failures.ts';

type Exports = Record<string, unknown>;

/** Reads TypeScript. */
interface Loader {
  readonly load: (path: string) => Promise<Exports>;
}

/** The exports of a module. @throws UsageError that says what to do when Node cannot read it. */
export async function importFile(file: string): Promise<Exports> {
  const path = resolve(file);
  const isTypeScript = /\.[cm]?tsx?$/.test(path);
  const loaders = isTypeScript ? loadersOf(path) : [byNode];
  const failures: unknown[] = [];
  for (const { load } of loaders) {
    try {
      return await load(path);
    } catch (error) {
      failures.push(error);
      // Another loader may read what this one cannot; what the file itself throws it would throw again.
      if (!isUnreadable(error)) break;
    }
  }
  const [first] = failures;
  const install = 'npm install --save-dev tsx';
  if (loaders.length === 0) {
    throw new UsageError(
      `Node ${process.versions.node} does not read TypeScript, so ${path} was not loaded. Use Node 22.18 or newer, or ` +
        `${install}, or name a compiled .js file.`,
    );
  }
  const reason = first instanceof Error ? first.message : String(first);
  const more =
    isTypeScript && isUnreadable(first) && loaders[0] === byNode
      ? `\nNode reads only a part of TypeScript. ${install}: pawl uses it when it is there, and it reads all.`
      : '';
  throw new UsageError(`${path} could not be loaded: ${reason}${more}`, { cause: first });
}

const byNode: Loader = {
  load: async (path) => (await import(pathToFileURL(path).href)) as Exports,
};

/**
 * What can read a TypeScript file here, the best first. What the project has reads all of the language; Node takes types
 * away, and no more than that.
 */
function loadersOf(path: string): readonly Loader[] {
  const commonJs = isCommonJs(path) ? findExport(path, 'tsx', './cjs/api') : undefined;
  const tsx = findExport(path, 'tsx', './esm/api');
  const jiti = findExport(path, 'jiti', '.');
  return [
    ...(commonJs === undefined ? [] : [byTsxRequire(commonJs)]),
    ...(tsx === undefined ? [] : [byTsx(tsx)]),
    ...(stripsTypes() ? [byNode] : []),
    ...(jiti === undefined ? [] : [byJiti(jiti)]),
  ];
}

/** Whether Node takes the file for CommonJS: by its name, else by the package it is in. */
function isCommonJs(path: string): boolean {
  if (/\.[cm]tsx?$/.test(path)) return /\.ctsx?$/.test(path);
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      const manifest = readFileSync(join(folder, 'package.json'), 'utf8');
      return (JSON.parse(manifest) as { readonly type?: string }).type !== 'module';
    } catch {
      if (dirname(folder) === folder) return true;
    }
  }
}

function stripsTypes(): boolean {
  const { typescript } = process.features as { readonly typescript?: string | false };
  return typeof typescript === 'string';
}

/**
 * For CommonJS. Its scoped functions evaluate what such a file requires a second time, and some of pawl's dependencies
 * refuse that. It stays registered: the file may require others when a run is at work.
 */
function byTsxRequire(api: string): Loader {
  return {
    load: async (path) => {
      const { register } = (await import(api)) as { register: () => unknown };
      register();
      return createRequire(path)(path) as Exports;
    },
  };
}

function byTsx(api: string): Loader {
  return {
    load: async (path) => {
      const { tsImport } = (await import(api)) as {
        tsImport: (file: string, parent: string) => Promise<Exports>;
      };
      return tsImport(pathToFileURL(path).href, import.meta.url);
    },
  };
}

function byJiti(api: string): Loader {
  return {
    load: async (path) => {
      const { createJiti } = (await import(api)) as {
        createJiti: (from: string) => { import: (file: string) => Promise<Exports> };
      };
      return createJiti(path).import(path);
    },
  };
}

/** A map of conditions, as `exports` of a package.json has it. */
type Target = string | { readonly [condition: string]: Target } | undefined;

/**
 * The URL of what `import` would find in a package that the file's project has. `require` may find another file, which
 * does not do for `import`.
 */
function findExport(path: string, name: string, subpath: string): string | undefined {
  try {
    const manifest = createRequire(path).resolve(`${name}/package.json`);
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly exports?: Target };
    const target = typeof exports === 'object' ? choose(exports[subpath]) : undefined;
    return target === undefined ? undefined : pathToFileURL(join(dirname(manifest), target)).href;
  } catch {
    return undefined;
  }
}

/** Those that hold for an import in Node. */
const conditions = new Set('import node default'.split(' '));

function choose(target: Target): string | undefined {
  if (typeof target !== 'object') return target;
  for (const [condition, next] of Object.entries(target)) {
    if (!conditions.has(condition)) continue;
    const chosen = choose(next);
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}

const unreadable = new Set([
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
]);

/** True when the file, or one it imports, was not understood, so that nothing of it has run. */
function isUnreadable(error: unknown): boolean {
  return (
    error instanceof SyntaxError || unreadable.has(String((error as { code?: unknown })?.code))
  );
}

/** All workflows that a module exports: alone, in lists, or as fields of the default export. */
export async function loadWorkflows(file: string): Promise<ReadonlyMap<string, AnyWorkflow>> {
  const module = await importFile(file);
  const { default: standard } = module;
  const isFields = typeof standard === 'object' && standard !== null && !isWorkflow(standard);
  const exported = [...Object.values(module), ...(isFields ? Object.values(standard) : [])].flat();
  const workflows = exported.filter((value) => isWorkflow(value));
  if (workflows.length > 0) return new Map(workflows.map((one) => [one.name, one]));
  for (const value of exported) {
    // Nearly one: what is wrong with it helps more than that there is none.
    const isNearly = typeof value === 'object' && value !== null && 'name' in value;
    if (isNearly) checkWorkflow(value, `what ${file} exports`);
  }
  throw new UsageError(
    `${file} exports no workflow: export what defineWorkflow or defineGraph returns.`,
  );
}
