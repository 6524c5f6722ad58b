/** What a person would type in place of a form, to do the same from a shell. */

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
