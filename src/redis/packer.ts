import { allocate, shrink } from './slab.ts';

/**
 * Texts and bytes in one buffer, each behind its length, as `struct.unpack('>I4c0')` reads them inside Redis.
 *
 * A client pays for each argument of a command about as much as for a hundred bytes: one packed argument is cheaper.
 */
export class Packer {
  readonly #buffer: Buffer;
  #place = 0;

  /** `bytesMax`: what it will hold at most. */
  constructor(bytesMax: number) {
    this.#buffer = allocate(bytesMax);
  }

  get place(): number {
    return this.#place;
  }

  /** What was packed; nothing may be added any more. */
  get packed(): Buffer {
    return shrink(this.#buffer, this.#place);
  }

  text(text: string): void {
    const length = this.#buffer.write(text, this.#place + 4);
    this.patch(this.#place, length);
    this.#place += 4 + length;
  }

  bytes(bytes: Uint8Array): void {
    this.patch(this.#place, bytes.length);
    this.#buffer.set(bytes, this.#place + 4);
    this.#place += 4 + bytes.length;
  }

  short(value: number): void {
    this.#place = this.#buffer.writeUInt16BE(value, this.#place);
  }

  /** Leaves room; returns where. */
  skip(length: number): number {
    this.#place += length;
    return this.#place - length;
  }

  /** Writes a number of 4 bytes at a place that was left. */
  patch(place: number, value: number): void {
    this.#buffer.writeUInt32BE(value, place);
  }
}
