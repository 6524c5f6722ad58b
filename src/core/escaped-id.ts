/**
 * Names of other systems as ids of runs: such a name may be any text, and ids have a small alphabet. Other characters become
 * `~` and two hexadecimal digits for each of their bytes, so two names never share an id.
 */
import { fixedLimits } from './limits.ts';

const plain = /[A-Za-z0-9_.-]/;

/** `hash` makes the id of a name that grows too long; behind two more `~`, which no other id has. */
export function escapedId(prefix: string, name: string, hash: (name: string) => string): string {
  let id = prefix;
  for (const char of name) id += plain.test(char) ? char : escaped(char);
  return id.length <= fixedLimits.runIdLength ? id : `${prefix}~~${hash(name)}`;
}

function escaped(char: string): string {
  const bytes = [...new TextEncoder().encode(char)];
  return bytes.map((byte) => `~${byte.toString(16).padStart(2, '0')}`).join('');
}
