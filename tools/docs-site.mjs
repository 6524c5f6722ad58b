/**
 * `npm run docs:build`: the site of all pages in .build/site/dist, without a request to anybody. The pages are copied, so
 * that links between them are links of the site, and links to sources become names: the site has no sources. The API
 * reference is made from the docstrings on the way. VitePress refuses links to pages that are not there.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { build } from 'vitepress';
import { writeReference } from './api-reference.mjs';
import config from './site/config.mjs';

const root = new URL('..', import.meta.url).pathname;
const stage = join(root, '.build/site');

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  'examples/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(
    (name) => `docs/${name}`,
  ),
].filter((name) => /\.(md|svg|png|json|yml)$/.test(name));

const isFile = /\.(json|yml)$/;
const placeOf = (page) => page.replace(/README\.md$/, 'index.md');

/** Links lead to the places of the site; what is not on it is named in code. */
function withLinks(page, text) {
  return text.replaceAll(
    /(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)/g,
    (whole, image, words, to, hash = '') => {
      const file = posix.join(posix.dirname(page), to);
      if (image === '!') return whole;
      if (pages.includes(file) && file.endsWith('.md'))
        return `[${words}](${to.replace(/README\.md$/, 'index.md')}${hash})`;
      if (pages.includes(file) && isFile.test(file)) return `[${words}](/${file})`;
      const plain = words.replaceAll('`', '');
      return file.includes(plain) || plain === to ? `\`${file}\`` : `${words} (\`${file}\`)`;
    },
  );
}

rmSync(stage, { recursive: true, force: true });
for (const page of pages) {
  const to = join(stage, placeOf(page));
  mkdirSync(dirname(to), { recursive: true });
  if (page.endsWith('.md'))
    writeFileSync(to, withLinks(page, readFileSync(join(root, page), 'utf8')));
  else cpSync(join(root, page), to);
  // What is downloaded, and no part of a page.
  if (isFile.test(page)) cpSync(join(root, page), join(stage, 'public', page));
}
if (!existsSync(join(stage, 'docs/decisions/index.md'))) {
  const names = pages.filter((page) => page.startsWith('docs/decisions/')).sort();
  const rows = names.map((page) => {
    const title = /^# (.+)$/m.exec(readFileSync(join(root, page), 'utf8'))?.[1] ?? page;
    return `- [${title}](${posix.basename(page)})`;
  });
  writeFileSync(join(stage, 'docs/decisions/index.md'), `# Decisions\n\n${rows.join('\n')}\n`);
}
const names = writeReference(join(stage, 'docs/api'));
refuseHidden();
cpSync(join(root, 'tools/site'), join(stage, '.vitepress'), { recursive: true });
cpSync(join(root, 'llms.txt'), join(stage, 'public/llms.txt'));
await build(stage, { outDir: join(stage, 'dist') });
refuseOthers(join(stage, 'dist'));
const written = readdirSync(join(stage, 'dist'), { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.html'),
);
console.log(`${written.length} pages in .build/site/dist`);
console.log(`${names} names in the API reference`);

/** A page that the menu beside each page does not have. Decisions are in a list of their own. */
function refuseHidden() {
  const links = new Set(
    config.themeConfig.sidebar.flatMap(({ items }) => items.map(({ link }) => link)),
  );
  const hidden = readdirSync(stage, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !/^docs\/decisions\/\d/.test(name))
    .map((name) => `/${name.replace(/(?:index)?\.md$/, '')}`)
    .filter((link) => link !== '/' && !links.has(link));
  if (hidden.length > 0) throw new Error(`tools/site/config.mjs has no ${hidden.join(' ')}`);
}

/** A page of the site that would ask another origin for something. Links that a reader follows are no requests. */
function refuseOthers(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(html|css)$/.test(name)) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    const found = /(?:src|<link[^>]+href)="https?:[^"]+"|url\(["']?https?:[^)]+\)/.exec(text);
    if (found !== null) throw new Error(`${name} asks another origin: ${found[0]}`);
  }
}
