/**
 * A page of a log, which a script has packed: `cmsgpack.pack` of the answer of XRANGE.
 *
 *   array of entries ── each: array of the id `<seq>-<fence>` and of an array of names and values ── all of them texts
 *
 * One text costs a client far less than thousands of small ones: decoding 500 events took 1.5 ms of a processor, and takes
 * 0.35 ms. The bytes may come from anybody, so no length is believed before there are bytes for it.
 */
import { CorruptionError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';

/** First bytes of the names: enough to tell them apart. */
const firstByte = { type: 0x74, at: 0x61, data: 0x64, branch: 0x62 } as const;
/** The plus says that another event of the same commit follows. */
const moreLength = 'type+'.length;
const dash = 0x2d;
const zero = 0x30;

const broken = 'is not a page of events as a script packs it';

type Slice = (this: Buffer, from: number, to: number) => string;
const { utf8Slice } = Buffer.prototype as unknown as { readonly utf8Slice: Slice };

/** Reads one page. */
class Page {
  readonly #key: string;
  readonly #bytes: Buffer;
  #at = 0;
  /** The type that was read last, since types come again and again. */
  #type = '';
  #typeFrom = 0;
  #typeTo = 0;

  constructor(key: string, bytes: Buffer) {
    this.#key = key;
    this.#bytes = bytes;
  }

  events(): StoredEvent[] {
    const count = this.#arrayLength();
    const events: StoredEvent[] = [];
    for (let i = 0; i < count; i++) events.push(this.#event());
    if (this.#at !== this.#bytes.length) throw this.#corruption();
    return events;
  }

  #event(): StoredEvent {
    if (this.#arrayLength() !== 2) throw this.#corruption();
    const end = this.#textEnd();
    const from = this.#at;
    const seq = this.#digits(end);
    const isDashed = this.#bytes[this.#at] === dash && this.#at < end;
    this.#at += 1;
    const fence = isDashed ? this.#digits(end) : Number.NaN;
    if (this.#at !== end || Number.isNaN(seq) || Number.isNaN(fence)) {
      const id = this.#bytes.toString('latin1', from, end);
      throw new CorruptionError({ key: this.#key }, `has an entry with the id ${id}`);
    }
    let type: string | undefined;
    let at = Number.NaN;
    let data: Buffer | undefined;
    let branch: string | undefined;
    let more = false;
    const texts = this.#arrayLength();
    for (let i = 0; i + 1 < texts; i += 2) {
      const nameEnd = this.#textEnd();
      const nameLength = nameEnd - this.#at;
      const first = this.#bytes[this.#at];
      this.#at = nameEnd;
      const valueEnd = this.#textEnd();
      const valueFrom = this.#at;
      switch (nameLength === 0 ? undefined : first) {
        case firstByte.type:
          type = this.#typeAt(valueFrom, valueEnd);
          more = nameLength === moreLength;
          break;
        case firstByte.at:
          at = this.#digits(valueEnd);
          if (this.#at !== valueEnd) at = Number.NaN;
          break;
        case firstByte.data:
          data = this.#bytes.subarray(valueFrom, valueEnd);
          break;
        case firstByte.branch:
          branch = utf8Slice.call(this.#bytes, valueFrom, valueEnd);
          break;
        default:
          break;
      }
      this.#at = valueEnd;
    }
    if (type === undefined || Number.isNaN(at) || data === undefined || texts % 2 === 1) {
      throw new CorruptionError(
        { key: this.#key, seq },
        'is not an event: type, at or data is missing',
      );
    }
    // One literal for each: there are many events, and spreading costs more than the rest of this.
    if (!more) {
      return branch === undefined
        ? { seq, fence, type, at, data }
        : { seq, fence, type, at, data, branch };
    }
    return branch === undefined
      ? { seq, fence, type, at, data, more }
      : { seq, fence, type, at, data, branch, more };
  }

  #typeAt(from: number, to: number): string {
    const length = to - from;
    let isSame = length === this.#typeTo - this.#typeFrom;
    for (let i = 0; isSame && i < length; i++) {
      isSame = this.#bytes[from + i] === this.#bytes[this.#typeFrom + i];
    }
    if (!isSame) {
      this.#type = utf8Slice.call(this.#bytes, from, to);
      this.#typeFrom = from;
      this.#typeTo = to;
    }
    return this.#type;
  }

  /** A whole number that stands before `end`, and is read as far as it goes; NaN when there is none that is safe. */
  #digits(end: number): number {
    const from = this.#at;
    let value = 0;
    for (; this.#at < end; this.#at++) {
      const digit = (this.#bytes[this.#at] ?? 0) - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return this.#at > from && Number.isSafeInteger(value) ? value : Number.NaN;
  }

  /** The place behind the text that begins here; what is read next is its first byte. */
  #textEnd(): number {
    const head = this.#byte();
    let length: number;
    if (head >= 0xa0 && head <= 0xbf) length = head & 0x1f;
    else if (head === 0xd9) length = this.#byte();
    else if (head === 0xda) length = this.#byte() * 0x100 + this.#byte();
    else if (head === 0xdb) length = this.#fourBytes();
    else throw this.#corruption();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw this.#corruption();
    return end;
  }

  #arrayLength(): number {
    const head = this.#byte();
    let length: number;
    if (head >= 0x90 && head <= 0x9f) length = head & 0x0f;
    else if (head === 0xdc) length = this.#byte() * 0x100 + this.#byte();
    else if (head === 0xdd) length = this.#fourBytes();
    else throw this.#corruption();
    // Each item has a byte at least.
    if (length > this.#bytes.length - this.#at) throw this.#corruption();
    return length;
  }

  #fourBytes(): number {
    const upper = this.#byte() * 0x100 + this.#byte();
    const lower = this.#byte() * 0x100 + this.#byte();
    return upper * 0x10000 + lower;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.#corruption();
    this.#at += 1;
    return byte;
  }

  #corruption(): CorruptionError {
    return new CorruptionError({ key: this.#key }, broken);
  }
}

/** @throws CorruptionError naming the key of the stream. The data of the events are pieces of `packed`. */
export function unpackEvents(key: string, packed: Buffer): StoredEvent[] {
  return new Page(key, packed).events();
}
