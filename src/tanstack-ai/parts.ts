/**
 * Chunks that are larger than an output takes travel in parts with their places. A producer that dies in between leaves
 * parts without their end; the first part of the next chunk, or one that is whole, drops them.
 */
import type { StreamChunk } from '@tanstack/ai';

const partBytes = 48 * 1024;
/** What is certain to fit without a look at its bytes: a character has three at most. */
const smallLength = 16 * 1024;

type Part =
  | { readonly whole: unknown }
  | { readonly part: Uint8Array; readonly at: number; readonly more: boolean };

/** As plain data: what JSON has no word for is left out, as on the way to a page. */
export function toParts(chunk: object): Part[] {
  const json = JSON.stringify(chunk);
  if (json.length <= smallLength) return [{ whole: JSON.parse(json) as unknown }];
  const bytes = new TextEncoder().encode(json);
  const count = Math.ceil(bytes.length / partBytes);
  return Array.from({ length: count }, (_, i) => ({
    part: bytes.slice(i * partBytes, (i + 1) * partBytes),
    at: i,
    more: i < count - 1,
  }));
}

/** Puts the parts of a stream together. */
export class Parts {
  #open: Uint8Array[] = [];

  /** The chunk that is whole now; undefined while parts of it are missing. */
  add(value: unknown): StreamChunk | undefined {
    const one = value as Part;
    if ('whole' in one) {
      this.#open = [];
      return one.whole as StreamChunk;
    }
    this.#open = one.at === 0 ? [one.part] : [...this.#open, one.part];
    if (one.more) return undefined;
    const json = Buffer.concat(this.#open).toString('utf8');
    this.#open = [];
    return JSON.parse(json) as StreamChunk;
  }
}
