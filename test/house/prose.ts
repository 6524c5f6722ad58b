/**
 * The style of what people read, as far as a program can judge it: short sentences, the actor named, plain words. Code,
 * tables, headings and lists of names are no prose.
 */

export const wordsMax = 25;

/** What is not written, and what is written instead. */
const banned: readonly (readonly [RegExp, string])[] = [
  [
    /\bbehind\b(?! (?:an? |the |its |faulty |one )*(?:prox|sentinel|firewall|balancer|server))/i,
    '"behind" is a place; say "after" for time',
  ],
  [/\bwho(?:so)?ever\b/i, 'name the actor instead of "whoever"'],
  [/\bgets? there\b/i, 'say what happens instead of "gets there"'],
  [/\bbelongs? into\b/i, 'say "goes into" or "belongs to"'],
  [/\bof one's own\b/i, 'say "your own" or "its own"'],
  [/\binnocent\b/i, 'say which runs are meant'],
  [/\bcomes? by\b/i, 'say what happens instead of "comes by"'],
  [/\bfurnish|\bhitherto\b|\bthereof\b|\bwhence\b/i, 'use a word from school'],
];

/** The parts of a page that are sentences: its paragraphs and the items of its lists, each in one line. */
export function paragraphsOf(markdown: string): string[] {
  const lines = markdown
    .replaceAll(/^```[\s\S]*?^```$/gm, '\n')
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .split('\n')
    .map((line) => (/^\s*(\||#|!\[|<)/.test(line) ? '' : line));
  const found: string[] = [];
  let current = '';
  for (const line of [...lines, '']) {
    const isItem = /^\s*([-*]|\d+\.)\s/.test(line);
    if ((line.trim() === '' || isItem) && current !== '') {
      found.push(current);
      current = '';
    }
    current = `${current} ${line.replace(/^\s*([-*]|\d+\.)\s/, '').trim()}`.trim();
  }
  return found;
}

/** Code and names of files count as one word, and may hold any. */
function plain(paragraph: string): string {
  return paragraph
    .replaceAll(/`[^`]*`/g, 'code')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[*_]{1,2}(?=\S)|(?<=\S)[*_]{1,2}/g, '');
}

export function sentencesOf(paragraph: string): string[] {
  return plain(paragraph)
    .split(/(?<=[.!?][)"']?)\s+(?=[A-Z("'0-9]|code\b|pawl\b|ioredis\b|cron-parser\b)/)
    .filter((sentence) => sentence.trim() !== '');
}

function bannedIn(text: string): string[] {
  return banned.filter(([pattern]) => pattern.test(text)).map(([, instead]) => instead);
}

function problemsOf(sentence: string, mayBeLabel: boolean): string[] {
  const words = sentence.split(/\s+/).filter((word) => /[A-Za-z0-9]/.test(word)).length;
  const isList = (sentence.match(/ · /g)?.length ?? 0) > 1;
  const isFree =
    !mayBeLabel && /^(Who|What|Whoever|Whatever|Whose)\b/.test(sentence) && !sentence.endsWith('?');
  return [
    ...(words > wordsMax && !isList ? [`has ${words} words; make two sentences of it`] : []),
    ...(isFree ? ['begins with a free question word; name the actor or the thing'] : []),
    ...bannedIn(sentence),
  ];
}

/** A few words in bold that stand before a paragraph, as a title does. */
const title = /^\*\*([^*]+[.:])\*\*\s*/;

/**
 * The problems of a page, each with the beginning of its sentence. Beside a name in code, a sentence may be a label, such as
 * "What the handler returned."
 */
export function proseProblems(markdown: string, { mayBeLabel = false } = {}): string[] {
  return paragraphsOf(markdown).flatMap((paragraph) => {
    const lead = title.exec(paragraph)?.[1] ?? '';
    const sentences = sentencesOf(paragraph.replace(title, ''));
    return [
      ...bannedIn(lead).map((problem) => `"${lead}": ${problem}`),
      ...sentences.flatMap((sentence) =>
        problemsOf(sentence, mayBeLabel).map((problem) => `"${sentence.slice(0, 60)}": ${problem}`),
      ),
    ];
  });
}
