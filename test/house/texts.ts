/** The texts that the commands and the pages show to people, taken out of their sources. */
import { parseAst } from 'rolldown/parseAst';

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** Stands for a value that is put in: one word, whatever it is. */
const filled = 'code';
/** Elements that do not end a sentence. */
const inline = /<\/?(?:a|abbr|b|bdi|br|code|em|i|small|span|strong|time|var)\b[^>]*>/g;
const spoken = /\b(?:title|placeholder|aria-label|alt)="([^"]*)"/g;

/** A text has more than one word, and no sign that only code has. */
const isText = (text: string): boolean =>
  /[A-Za-z]{2,}[.,:;]? +[A-Za-z(]/.test(text) &&
  !/[{}=]|^[\w-]+(?: [a-z]+(?:-[a-z]+)+)+$/.test(text);

function templateOf(node: Node): string {
  const parts = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
  return parts.map(({ value }) => value.cooked).join(filled);
}

/** The texts of a page, or of a part of one: each element that stands for itself, and what a reader of the screen says. */
function textsOfHtml(html: string): string[] {
  const attributes = [...html.matchAll(spoken)].map(([, text = '']) => text);
  const parts = html.replaceAll(inline, '').split(/<[^>]*>/);
  return [...attributes, ...parts].map((text) => text.replaceAll(/\s+/g, ' ').trim());
}

/** Every text in a file of TypeScript. */
export function textsOf(source: string): string[] {
  const found: string[] = [];
  const visit = (node: Node, tag: string | undefined): void => {
    if (node.type === 'ImportDeclaration') return;
    if (node.type === 'TSLiteralType') return;
    let tagOfChildren: string | undefined;
    if (node.type === 'Literal' && typeof node['value'] === 'string') found.push(node['value']);
    if (node.type === 'TemplateLiteral') {
      const text = templateOf(node);
      found.push(...(tag === 'html' ? textsOfHtml(text) : [text]));
    }
    if (node.type === 'TaggedTemplateExpression') {
      const name = (node['tag'] as Node)['name'];
      if (typeof name === 'string') tagOfChildren = name;
    }
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) visit(child, tagOfChildren);
      }
    }
  };
  visit(parseAst(source, { lang: 'ts' }) as unknown as Node, undefined);
  return found.filter(isText);
}
