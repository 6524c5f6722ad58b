/** Values as a page shows them: escaped by the template, with nothing in them that a reader cannot see, and cut. */
import { toTagged } from '../core/tagged-json.ts';

const previewLength = 2_000;

/** Characters that turn the direction of text around, or stand nowhere: they would let one name look like another. */
const unseen =
  // oxlint-disable-next-line no-control-regex -- control characters are what is made visible
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text with every character that is not seen written as its number. */
export function visible(text: unknown): string {
  return String(text).replaceAll(
    unseen,
    (one) => `⟨U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/** A payload as JSON; `isCut` when there is more of it than is shown. */
export function preview(value: unknown): { readonly text: string; readonly isCut: boolean } {
  const said = untagged(value);
  const isAbsent = typeof said === 'object' && said !== null && '$undefined' in said;
  const text = isAbsent ? 'undefined' : (JSON.stringify(said, undefined, 2) ?? '');
  const isCut = text.length > previewLength;
  return { text: visible(isCut ? `${text.slice(0, previewLength)}…` : text), isCut };
}

/** As JSON can say it; stored results are shown by what they say. */
export function untagged(value: unknown): unknown {
  return unwrap(toTagged(value));
}

export function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unwrap);
  if ('$encoded' in value) return unwrap(value.$encoded);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrap(item)]));
}

const kilo = 1_000;

export function size(bytes: number): string {
  if (bytes < kilo) return `${bytes} B`;
  if (bytes < kilo * kilo) return `${(bytes / kilo).toFixed(1)} kB`;
  return `${(bytes / kilo / kilo).toFixed(1)} MB`;
}
