/**
 * Memory for what is written to the wire: pieces of a large buffer, one behind the other.
 *
 * Thousands of small buffers a second keep the garbage collector busier than the calls that they are for. A piece is
 * never used again; the whole is let go of when the last piece is.
 */

const slabBytes = 256 * 1024;
/** What is larger gets memory of its own, so that little of a slab is wasted. */
const pieceMax = slabBytes / 8;

let slab = Buffer.alloc(0);
let place = 0;

/** Memory of exactly so many bytes, with anything in it. */
export function allocate(bytes: number): Buffer {
  if (bytes > pieceMax) return Buffer.allocUnsafeSlow(bytes);
  if (place + bytes > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    place = 0;
  }
  place += bytes;
  return slab.subarray(place - bytes, place);
}

/** Gives back what is behind the first `used` bytes of the piece that was allocated last. */
export function shrink(piece: Buffer, used: number): Buffer {
  const isLast = piece.buffer === slab.buffer && piece.byteOffset + piece.length === place;
  if (isLast) place -= piece.length - used;
  return piece.subarray(0, used);
}
