/**
 * What an input was before its schema made something else of it.
 *
 * A schema may fill in what is made anew each time, such as an id. A caller that repeats a start, because its answer was
 * lost, gives the same and gets another input. So the digest of what was given travels with the input, in front of it:
 *
 *   0x03 · 16 bytes digest · payload
 *
 * An input that its schema has left as it was needs none.
 */
const givenFormat = 0x03;
const digestBytes = 16;
const headBytes = 1 + digestBytes;

export function withGiven(payload: Uint8Array, digest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headBytes + payload.length);
  bytes[0] = givenFormat;
  bytes.set(digest.subarray(0, digestBytes), 1);
  bytes.set(payload, headBytes);
  return bytes;
}

/** The digest in front of a payload; undefined when there is none. */
export function givenOf(bytes: Uint8Array): Uint8Array | undefined {
  const has = bytes[0] === givenFormat && bytes.length > headBytes;
  return has ? bytes.subarray(1, headBytes) : undefined;
}

/** The payload without the digest. */
export function withoutGiven(bytes: Uint8Array): Uint8Array {
  return givenOf(bytes) === undefined ? bytes : bytes.subarray(headBytes);
}
