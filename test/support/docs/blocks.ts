/** The blocks of code in the pages of the documentation, and what becomes of them in a test. */

/** The pages whose blocks are code that readers copy. */
export const pages = { test: (path: string): boolean => others.test(path) || inFolders.test(path) };
const others = /^(?:README|ARCHITECTURE|CHANGELOG|CONTRIBUTING|SECURITY)\.md$/;
const inFolders =
  /^docs\/(?:[\w-]+\/)*[\w-]+\.md$|^(?:examples|deploy|create-pawl|templates\/project)\/README\.md$/;

/**
 * What a block may be: `ts` and `js` are executed, `sh` is, `console` is a talk with its answers, the last ones are files
 * and texts.
 */
export const languages = ['ts', 'js', 'sh', 'console', 'text', 'json', 'yaml', 'docker'] as const;

export interface Block {
  readonly page: string;
  /** Of its first line in the page. */
  readonly line: number;
  readonly language: string;
  /** Why it is not executed, as the page says behind the language: ```sh not run: an hour. */
  readonly notRun: string | undefined;
  /** Why it is compiled, and not executed: ```ts compiled: it needs an Express. */
  readonly compiled: string | undefined;
  /** Whose program it is, on a page that compares: ```ts theirs: Temporal. It is neither compiled nor executed. */
  readonly theirs: string | undefined;
  readonly text: string;
}

/** A file that the reader makes, by the comment it begins with: `// worker.mjs`. */
export function fileOf({ text }: Pick<Block, 'text'>): string | undefined {
  return /^\/\/ ([\w.-]+\.mjs)\b/.exec(text)?.[1];
}

export function blocksOf(page: string, markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)(.*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, language = '', info = '', text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length + 1;
    const notRun = /^ not (?:run|played): (.+)$/.exec(info)?.[1];
    const compiled = /^ compiled: (.+)$/.exec(info)?.[1];
    const theirs = /^ theirs: (.+)$/.exec(info)?.[1];
    return { page, line, language, notRun, compiled, theirs, text };
  });
}

/** What a module may take from where, when its block does not import it itself: a page imports once. */
const modules: Readonly<Record<string, readonly string[]>> = {
  pawl: ['defineWorkflow', 'defineGraph', 'toMermaid'],
  zod: ['z'],
  'prom-client': ['register'],
  'node:http': ['createServer'],
  'node:fs': ['createWriteStream'],
  'node:stream/promises': ['pipeline'],
};

function uses(text: string, name: string): boolean {
  return new RegExp(`(?<![.\\w'"-])${name}\\b(?!\\s*:)`).test(text);
}

/** The names that a block gives to values, at its outermost level. */
function declared(text: string): string[] {
  const single = [...text.matchAll(/^(?:await using|const|let) (\w+)/gm)].map(
    ([, name = '']) => name,
  );
  const taken = [...text.matchAll(/^const \{ ([\w, ]+) \}/gm)].flatMap(([, names = '']) =>
    names.split(', '),
  );
  const imported = [...text.matchAll(/^import \{ ([\w, ]+) \}/gm)].flatMap(([, names = '']) =>
    names.split(', '),
  );
  return [...single, ...taken, ...imported];
}

/**
 * A module that does what the block does: `block(scene)`. What the block neither declares nor imports it finds in the scene,
 * under the same names; what it declares is returned.
 */
export function moduleOf({ page, line, language, text }: Block, scene: readonly string[]): string {
  const own = declared(text);
  const isWanted = (name: string): boolean => !own.includes(name) && uses(text, name);
  const imports = Object.entries(modules).flatMap(([from, names]) => {
    const wanted = names.filter(isWanted);
    return wanted.length === 0 ? [] : [`import { ${wanted.join(', ')} } from '${from}';`];
  });
  const ownImports = text.split('\n').filter((one) => one.startsWith('import '));
  const body = text
    .split('\n')
    .map((one) => (one.startsWith('import ') ? '' : one.replace(/^export (?:default )?/, '')))
    .join('\n');
  const values = own.filter((name) => !ownImports.some((one) => one.includes(name)));
  const type = language === 'ts' ? ": import('./scene.ts').Scene" : '';
  const parameter = `{ ${scene.filter(isWanted).join(', ')} }${type}`;
  return [
    `// ${page}:${line}`,
    ...imports,
    ...ownImports,
    `export async function block(${parameter}) {`,
    body,
    `return { ${values.join(', ')} };`,
    '}',
    '',
  ].join('\n');
}

/** The commands of a block, without what is said behind them. */
export function commandsOf({ text }: Block): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/(?:^|\s{2,})#.*$/, '').trim())
    .filter((line) => line !== '');
}
