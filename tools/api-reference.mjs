/**
 * The API reference: a page for each entry of the package, made from the types and the docstrings. `npm run docs:build`
 * puts it on the site. The compiler is asked, so that types are written as an editor shows them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API, SymbolFlags } from 'typescript/unstable/sync';

/** Of TypeScript's `NodeFormatFlags`: writes all members, with their names expanded. */
const noTruncation = 1 | (1 << 23);

const root = new URL('..', import.meta.url).pathname;

/** Of the package: [what a user imports, its file in src]. */
const entries = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
  .filter((path) => path !== './package.json')
  .map((path) => [path.replace('.', 'pawl'), path === '.' ? 'index' : path.slice(2)]);

const isOurs = (symbol) => {
  const path = symbol.declarations[0]?.path.toLowerCase();
  return path?.startsWith(`${root}src/`.toLowerCase()) === true;
};

function membersOf(symbol, checker) {
  const own =
    symbol.flags & (SymbolFlags.Type | SymbolFlags.Class)
      ? checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
      : [];
  const statics = symbol.flags & SymbolFlags.Class ? [...symbol.getExports().values()] : [];
  return [...statics, ...own]
    .filter(({ name }) => !/^(__|#)|#|^prototype$|^\[/.test(name))
    .filter(isOurs);
}

const kinds = [
  [SymbolFlags.Class, 'class'],
  [SymbolFlags.Interface, 'interface'],
  [SymbolFlags.Function, 'function'],
  [SymbolFlags.TypeAlias, 'type'],
  [SymbolFlags.Variable, 'value'],
];

/** What looks like a tag is a text. */
const safe = (text) => text.replaceAll(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found));

/** The docstring as Markdown, with the errors that it names. */
function words(checker, symbol) {
  const text = checker.getDocumentationCommentOfSymbol(symbol).trim();
  const comment = symbol.declarations[0]?.resolve?.()?.getFullText?.() ?? '';
  const own = /^\s*\/\*\*([\s\S]*?)\*\//.exec(comment)?.[1] ?? '';
  const throws = [...own.matchAll(/@throws ([\s\S]*?)(?=\n\s*\*\s*@|$)/g)].map(
    ([, found]) => `\n\n**Throws** ${found.replaceAll(/\n\s*\*\s*/g, ' ').trim()}`,
  );
  return safe(text + throws.join(''));
}

/** The source of a declaration, without its body: what the type says. */
function signatureOf(symbol, checker) {
  const node = symbol.declarations[0]?.resolve?.();
  const text = node?.getText?.();
  if (typeof text !== 'string') return undefined;
  const plain = text
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replace(/^export /, '')
    .replaceAll(/^ {2}(?=\s|[)>}])/gm, '')
    .replaceAll(/^[ \t]*\n/gm, '')
    .trim();
  // The members of a list of constants, and not the name of the list.
  if (/^type \w+ = \(?typeof /.test(plain)) {
    return `type ${symbol.name} = ${checker.typeToString(checker.getDeclaredTypeOfSymbol(symbol), undefined, noTruncation)};`;
  }
  return /^(?:declare )?(?:abstract )?(?:class|interface)\b/.test(plain)
    ? undefined
    : withoutBody(plain);
}

function withoutBody(text) {
  let depth = 0;
  for (const [i, letter] of [...text].entries()) {
    if (letter === '(' || letter === '<' || letter === '[') depth += 1;
    if (letter === ')' || letter === ']' || (letter === '>' && text[i - 1] !== '=')) depth -= 1;
    if (
      letter === '{' &&
      depth === 0 &&
      /^(?:async |static |public )*(?:function\b|[\w#]+\s*[<(])/.test(text)
    ) {
      const before = text.slice(0, i).trimEnd();
      if (!/[:|&=]$|=>$/.test(before)) return before;
    }
  }
  return text;
}

/** Writes the pages into a folder, and returns how many names they have. */
export function writeReference(folder) {
  const api = new API({ cwd: root });
  let count = 0;
  try {
    const project = api
      .updateSnapshot({ openProjects: [`${root}tsconfig.json`] })
      .getProject(`${root}tsconfig.json`);
    const { checker, program } = project;
    mkdirSync(folder, { recursive: true });
    const index = [
      '# API reference',
      '',
      'Made from the docstrings, one page for each entry of the package.',
      '',
    ];
    for (const [name, file] of entries) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(`${root}src/${file}.ts`));
      const lines = ['---', 'outline: 2', '---', '', `# ${name}`, ''];
      const symbols = checker
        .getExportsOfModule(module)
        .map((one) => [
          one.name,
          one.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one,
        ])
        .filter(([, symbol]) => isOurs(symbol))
        .sort(([a], [b]) => a.localeCompare(b));
      for (const [exported, symbol] of symbols) {
        count += 1;
        const kind = kinds.find(([flag]) => symbol.flags & flag)?.[1] ?? 'name';
        lines.push(`## ${exported}`, '', `*${kind}*`, '', words(checker, symbol), '');
        const signature = signatureOf(symbol, checker);
        if (signature !== undefined) lines.push('```ts', signature, '```', '');
        for (const member of membersOf(symbol, checker)) {
          count += 1;
          lines.push(`### ${exported}.${member.name}`, '', words(checker, member), '');
          const written = signatureOf(member, checker);
          if (written !== undefined) lines.push('```ts', written, '```', '');
        }
      }
      writeFileSync(
        join(folder, `${file === 'index' ? 'pawl' : file}.md`),
        `${lines.join('\n')}\n`,
      );
      index.push(`- [${name}](${file === 'index' ? 'pawl' : file}.md): ${symbols.length} names`);
    }
    writeFileSync(join(folder, 'index.md'), `${index.join('\n')}\n`);
  } finally {
    api.close();
  }
  if (count < 1_000) throw new Error(`only ${count} names were found`);
  return count;
}
