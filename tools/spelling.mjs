/**
 * `npm run docs:spelling`: each word of the pages is in the dictionary, or in tools/words.txt, which has the names and the
 * words of the trade. Code, names in code, and addresses are not words. `-- --list` prints the unknown words alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import dictionary from 'dictionary-en-gb';
import nspell from 'nspell';

process.chdir(new URL('..', import.meta.url).pathname);

const pages = [
  ...readdirSync('.'),
  ...['examples', 'deploy', 'create-pawl', 'templates/project'].map((name) => `${name}/README.md`),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => /\.md$|^llms\.txt$/.test(name));
const wordsMin = 20_000;

/** The text of a page with its code and addresses blanked out, so that lines keep their numbers. */
function proseOf(text) {
  const blank = (found) => found.replaceAll(/[^\n]/g, ' ');
  return text
    .replaceAll(/^```[\s\S]*?^```$/gm, blank)
    .replaceAll(/<!--[\s\S]*?-->/g, blank)
    .replaceAll(/`[^`]*`/g, blank)
    .replaceAll(/\]\([^)]*\)/g, blank)
    .replaceAll(/https?:\S+/g, blank);
}

/** Words of a line. Names with digits, dots, slashes or inner capitals are names of things, and no words. */
function wordsOf(line) {
  return line
    .split(/[\s|()[\]{}<>"“”„…·→–—=+*#,;:!?]+/)
    .map((word) => word.replace(/^[.'’_~-]+|[.'’_~-]+$/g, ''))
    .filter(
      (word) => /^[A-Za-zÀ-ž]/.test(word) && !/[\d./_\\@$%&]|[a-z][A-Z]|^[A-Z]{2,}/.test(word),
    )
    .flatMap((word) => word.split('-'))
    .map((word) => word.replace('’', "'").replace(/'s$|'$/, ''))
    .filter((word) => word.length > 1);
}

const known = new Set(readFileSync('tools/words.txt', 'utf8').split(/\s+/));
const spell = nspell({ aff: Buffer.from(dictionary.aff), dic: Buffer.from(dictionary.dic) });
const judged = new Map();
const isKnown = (word) => {
  if (!judged.has(word)) {
    const lower = word.toLowerCase();
    judged.set(
      word,
      known.has(word) || known.has(lower) || spell.correct(word) || spell.correct(lower),
    );
  }
  return judged.get(word);
};

let count = 0;
const unknown = [];
for (const page of pages) {
  for (const [i, line] of proseOf(readFileSync(page, 'utf8')).split('\n').entries()) {
    for (const word of wordsOf(line)) {
      count += 1;
      if (!isKnown(word)) unknown.push({ page, line: i + 1, word });
    }
  }
}
if (count < wordsMin) throw new Error(`only ${count} words were found`);
if (process.argv.includes('--list')) {
  console.log(
    [...new Set(unknown.map(({ word }) => word))].toSorted((a, b) => a.localeCompare(b)).join('\n'),
  );
} else {
  for (const { page, line, word } of unknown)
    console.log(`${page}:${line} ${word}: unknown; mend it, or add it to tools/words.txt`);
  console.log(`${count} words, ${unknown.length} unknown`);
}
process.exitCode = unknown.length === 0 ? 0 : 1;
