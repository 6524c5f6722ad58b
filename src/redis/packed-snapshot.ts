/**
 * All fields of a snapshot in one value, for a save of which every field changed.
 *
 *   fields (4 bytes) · length of a name (4) · name · length of its payload (4) · payload · … numbers are big-endian
 *
 * A snapshot's hash is either plain, one field for each of the snapshot's, or packed: the one field `whole` instead of them
 * all. A partial save of a packed one first makes it plain, inside the commit script, so the two forms never mix.
 */
import { CorruptionError } from '../core/errors.ts';
import { Packer } from './packer.ts';

export function packFields(fields: ReadonlyMap<string, Uint8Array>): Buffer {
  let bytesMax = 4;
  // A character of a name is three bytes at most: four of them come as a pair of characters.
  for (const [name, payload] of fields) bytesMax += 8 + 3 * name.length + payload.length;
  const packer = new Packer(bytesMax);
  packer.patch(packer.skip(4), fields.size);
  for (const [name, payload] of fields) {
    packer.text(name);
    packer.bytes(payload);
  }
  return packer.packed;
}

/**
 * Puts the fields into `target`; their payloads are slices of `packed`.
 * @throws CorruptionError that names `key`, when the lengths do not fit.
 */
export function unpackFields(key: string, packed: Buffer, target: Map<string, Uint8Array>): void {
  let place = 0;
  const take = (bytes: number): Buffer => {
    place += bytes;
    if (place > packed.length) throw new CorruptionError({ key }, 'is packed, and cut off');
    return packed.subarray(place - bytes, place);
  };
  const next = (): Buffer => take(take(4).readUInt32BE());
  for (let fields = take(4).readUInt32BE(); fields > 0; fields--) {
    const name = next().toString();
    target.set(name, next());
  }
  if (place !== packed.length) {
    throw new CorruptionError({ key }, 'is packed, and has something behind its last field');
  }
}
