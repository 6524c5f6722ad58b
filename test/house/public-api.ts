/**
 * What users of the package can name: the exports of its entries and the public members of what they export, each with its
 * docstring. The compiler is asked, so that inherited members and aliases are seen as an editor shows them.
 */
import { fileURLToPath } from 'node:url';
import { API, type Checker, type Symbol as Named, SymbolFlags } from 'typescript/unstable/sync';

export interface PublicName {
  /** `Pawl`, or `Pawl.open` for a member. */
  readonly name: string;
  /** The file that declares it, from the root of the repository. */
  readonly file: string;
  /** Empty where there is none. */
  readonly docstring: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const source = `${root}src/`;

/** Those of a symbol that are written in src: what a base class of the platform has is documented elsewhere. */
function fileOf(symbol: Named): string | undefined {
  const path = symbol.declarations[0]?.path;
  // The compiler writes paths in lower case where the file system does not tell cases apart.
  return path?.startsWith(source.toLowerCase()) === true || path?.startsWith(source) === true
    ? path.slice(root.length)
    : undefined;
}

function membersOf(symbol: Named, checker: Checker): Named[] {
  const isType = (symbol.flags & (SymbolFlags.Type | SymbolFlags.Class)) !== 0;
  const own = isType ? checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)) : [];
  const isClass = (symbol.flags & SymbolFlags.Class) !== 0;
  const statics = isClass ? [...symbol.getExports().values()] : [];
  return [...own, ...statics].filter(({ name }) => !/^(__|#)|#|^prototype$|^\[/.test(name));
}

/** The public names of these entries, once each, in the order of the entries. */
export function publicNames(entries: readonly string[]): PublicName[] {
  const api = new API({ cwd: root });
  try {
    const project = api
      .updateSnapshot({ openProjects: [`${root}tsconfig.json`] })
      .getProject(`${root}tsconfig.json`);
    if (project === undefined) throw new Error('tsconfig.json cannot be opened.');
    const { checker, program } = project;
    const found = new Map<string, PublicName>();
    const add = (name: string, symbol: Named): void => {
      const file = fileOf(symbol);
      if (file === undefined || found.has(name)) return;
      const docstring = checker.getDocumentationCommentOfSymbol(symbol).trim();
      found.set(name, { name, file, docstring });
    };
    for (const entry of entries) {
      const file = program.getSourceFile(`${root}${entry}`);
      const module = file && checker.getSymbolAtLocation(file);
      if (module === undefined) throw new Error(`${entry} is not in the project.`);
      for (const exported of checker.getExportsOfModule(module)) {
        const symbol =
          (exported.flags & SymbolFlags.Alias) === 0
            ? exported
            : checker.getAliasedSymbol(exported);
        add(exported.name, symbol);
        for (const member of membersOf(symbol, checker))
          add(`${exported.name}.${member.name}`, member);
      }
    }
    return [...found.values()];
  } finally {
    api.close();
  }
}
