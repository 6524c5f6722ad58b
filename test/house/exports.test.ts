import { expect, test } from 'vitest';
import { source, sources } from './sources.ts';

/** A file, or files by condition. */
type Target = string | { readonly [condition: string]: Target };

function filesOf(target: Target): string[] {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}

interface Package {
  readonly name: string;
  readonly exports: Readonly<Record<string, Target>>;
  readonly files: readonly string[];
}

const manifest = JSON.parse(source('package.json').text) as Package;

/** The names an entry exports, and the statements that are no re-exports. */
function readEntry(text: string): { names: string[]; others: string[] } {
  const bare = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const statement = /export\s+(type\s+)?\{([^}]*)\}\s+from\s+'[^']+';/g;
  const names = [...bare.matchAll(statement)].flatMap((match) =>
    (match[2] ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => {
        const isType = match[1] !== undefined || name.startsWith('type ');
        const exported = name.replace(/^type /, '').replace(/^.+ as /, '');
        return isType ? `type ${exported}` : exported;
      }),
  );
  const others = bare
    .replaceAll(statement, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return { names: names.sort(), others };
}

test('re-exports are read in every form', () => {
  const text =
    "// a\nexport { b, type C, d as e } from './x.ts';\nexport type {\n  F,\n} from './y.ts';";
  expect(readEntry(text)).toEqual({ names: ['b', 'e', 'type C', 'type F'], others: [] });
  expect(readEntry("export * from './x.ts';").others).toHaveLength(1);
});

test('every export of package.json is built from a source that exists', () => {
  const targets = Object.values(manifest.exports).flatMap(filesOf);
  expect(targets.length).toBeGreaterThanOrEqual(5);
  const missing = targets
    .map((target) =>
      target
        .replace(/^\.\/dist\//, 'src/')
        .replace(/(\.d\.c?ts|\.c?js)$/, '.ts')
        .replace(/^\.\//, ''),
    )
    .filter((path) => !sources.some((candidate) => candidate.path === path));
  expect(missing).toEqual([]);
});

test('every file that is published by name exists', () => {
  const missing = manifest.files.filter(
    (file) =>
      file !== 'dist' &&
      !file.startsWith('!') &&
      !sources.some(({ path }) => path === file || path.startsWith(`${file}/`)),
  );
  expect(missing).toEqual([]);
});

// After a wanted change: npx vitest run --project house -u
const entries =
  'index ai dashboard doctor file import langgraph openai-agents store assistant-ui tanstack-ai mcp testing'.split(
    ' ',
  );

test.each(entries)('src/%s.ts only re-exports, and what it exports is agreed on', async (entry) => {
  const { names, others } = readEntry(source(`src/${entry}.ts`).text);
  expect(others).toEqual([]);
  await expect(`${names.join('\n')}\n`).toMatchFileSnapshot(`public-${entry}.txt`);
});
