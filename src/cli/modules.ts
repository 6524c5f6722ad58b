/** Files of the user: their workflows and their configuration, in JavaScript or TypeScript. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';
import { UsageError } from './failures.ts';

type Exports = Record<string, unknown>;

/** The exports of a module. @throws UsageError that says what to do when Node cannot read it. */
export async function importFile(file: string): Promise<Exports> {
  const path = resolve(file);
  try {
    const isTypeScript = /\.[cm]?ts$/.test(path);
    if (isTypeScript && !readsTypeScript()) return await importTypeScript(path);
    return (await import(pathToFileURL(path).href)) as Exports;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path} could not be loaded: ${reason}`, { cause: error });
  }
}

function readsTypeScript(): boolean {
  const { typescript } = process.features as { readonly typescript?: string | false };
  return typeof typescript === 'string';
}

/** By a loader that the user has: pawl brings none. */
async function importTypeScript(path: string): Promise<Exports> {
  const { resolve: find } = createRequire(path);
  const found = (name: string): string | undefined => {
    try {
      return pathToFileURL(find(name)).href;
    } catch {
      return undefined;
    }
  };
  const tsx = found('tsx/esm/api');
  if (tsx !== undefined) {
    const { tsImport } = (await import(tsx)) as {
      tsImport: (file: string, parent: string) => Promise<Exports>;
    };
    return tsImport(pathToFileURL(path).href, import.meta.url);
  }
  const jiti = found('jiti');
  if (jiti !== undefined) {
    const { createJiti } = (await import(jiti)) as {
      createJiti: (from: string) => { import: (file: string) => Promise<Exports> };
    };
    return createJiti(path).import(path);
  }
  throw new UsageError(
    `Node ${process.versions.node} does not read TypeScript, so ${path} was not loaded. Use Node 22.18 or newer, ` +
      'or npm install --save-dev tsx, or name a compiled .js file.',
  );
}

/** All workflows that a module exports, alone or in lists. */
export async function loadWorkflows(file: string): Promise<ReadonlyMap<string, AnyWorkflow>> {
  const exported = Object.values(await importFile(file)).flatMap((value): unknown[] =>
    Array.isArray(value) ? value : [value],
  );
  const workflows = exported.filter(isWorkflow);
  if (workflows.length > 0) return new Map(workflows.map((one) => [one.name, one]));
  throw new UsageError(
    `${file} exports no workflow: export what defineWorkflow or defineGraph returns.`,
  );
}

function isWorkflow(value: unknown): value is AnyWorkflow {
  const fields = ['name', 'version', 'definition', 'initialState'];
  return typeof value === 'object' && value !== null && fields.every((field) => field in value);
}
