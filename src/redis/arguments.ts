/** What goes into a script and what comes out of it. */

/** What a script returns: a word for the outcome, then values that depend on it. */
export type Reply = readonly unknown[];

export type Argument = string | number | Buffer;

/** The same bytes as a Buffer: ioredis would send any other Uint8Array as text. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
