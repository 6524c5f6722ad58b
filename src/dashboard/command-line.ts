/** What a person would type in place of a form, to do the same from a shell. */
import { html } from 'hono/html';
import type { Html } from './html.ts';
import { visible } from './words.ts';

/** A line of a shell. No line ends inside of an option, as it would after a hyphen. */
export function commandPart(line: string, title = ''): Html {
  const words = visible(line).split(' ');
  const parts = words.map((word, i) => {
    const space = i === 0 ? '' : ' ';
    return word.startsWith('--')
      ? html`${space}<span class="word">${word}</span>`
      : `${space}${word}`;
  });
  return title === ''
    ? html`<code class="command">${parts}</code>`
    : html`<code class="command" title="${title}">${parts}</code>`;
}

/** A word as a shell takes it: quoted where it must be. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** `pawl` with these words; a word in angle brackets stands for what the person writes. */
export function commandLine(...words: readonly string[]): string {
  return ['pawl', ...words]
    .map((word) => (/^<[^<>]+>$/.test(word) ? word : quoted(word)))
    .join(' ');
}
