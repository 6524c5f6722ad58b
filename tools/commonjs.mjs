/**
 * Lets CommonJS use the package, after tsc has written dist: for each entry a `.cjs` beside its `.js`, and a `.d.cts` with
 * its types.
 *
 * Node requires modules of ECMAScript since 20.19, so the `.cjs` is one line, and there is one class `PawlError` in a
 * process, however it was loaded. TypeScript reads a `.d.ts` of this package as a module that nobody may require, even with
 * `module: node16`. So the `.d.cts` says what each name is, and takes its type from the module.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The names that an entry exports: values, and those that are types alone. */
function namesOf(text) {
  const bare = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const values = new Set();
  const types = new Set();
  for (const [, isType, list] of bare.matchAll(/export\s+(type\s+)?\{([^}]*)\}/g)) {
    for (const part of list.split(',')) {
      const [, own, name] = /^(type\s+)?(?:\w+\s+as\s+)?(\w+)$/.exec(part.trim()) ?? [];
      if (name !== undefined) ((isType ?? own) ? types : values).add(name);
    }
  }
  const declared =
    /export\s+(?:declare\s+)?(?:abstract\s+)?(function|const|class|interface|type)\s+(\w+)/g;
  for (const [, kind, name] of bare.matchAll(declared)) {
    (kind === 'interface' || kind === 'type' ? types : values).add(name);
  }
  if (/export\s+\*/.test(bare)) throw new Error('an entry names what it exports');
  return { values: [...values], types: [...types] };
}

const isClass = (value) => typeof value === 'function' && /^class\b/.test(String(value));
const mode = "with { 'resolution-mode': 'import' }";

for (const target of Object.values(exports)) {
  const file = target.import?.default;
  if (file === undefined) continue;
  const name = file.slice('./dist/'.length, -'.js'.length);
  const dist = join(root, 'dist', name);
  const { values, types } = namesOf(readFileSync(`${dist}.d.ts`, 'utf8'));
  const module = await import(pathToFileURL(`${dist}.js`).href);
  const lines = values.flatMap((value) => [
    ...(isClass(module[value]) ? [`type ${value} = esm.${value};`] : []),
    `declare const ${value}: typeof esm.${value};`,
  ]);
  const typeList = `export type { ${types.join(', ')} } from './${name}.js' ${mode};`;
  writeFileSync(
    `${dist}.d.cts`,
    [
      `import type * as esm from './${name}.js' ${mode};`,
      ...(types.length === 0 ? [] : [typeList]),
      ...lines,
      `export { ${values.join(', ')} };`,
      '',
    ].join('\n'),
  );
  writeFileSync(`${dist}.cjs`, `module.exports = require('./${name}.js');\n`);
}
