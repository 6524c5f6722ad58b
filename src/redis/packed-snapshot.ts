/**
 * All fields of a snapshot in one value, for a save of which every field changed.
 *
 *   fields (4 bytes) · length of a name (4) · name · length of its payload (4) · payload · … numbers are big-endian
 *
 * A snapshot's hash is either plain, one field for each of the snapshot's, or packed: the one field `packed` instead of them
 * all, beside what the snapshot says of itself. A full save makes it packed; a partial save of a packed one first makes it
 * plain; both inside the commit script, which reads the old value before it writes anything. So the two never mix, and a
 * crash finds one or the other.
 *
 * Checkpoints: what a save overwrites is preserved under the newest kept version. As long as saves are partial and the hash
 * is plain, field by field. The first save after the checkpoint that makes the hash anew (a full one, or a partial one
 * that unpacks) preserves all fields there are, in the form they have, and closes the version with its own field `packed`:
 *
 *   kept while   then           preserved under the kept version, and what recall makes of it
 *   plain        partial saves  the fields that were overwritten; the others are those of today
 *   plain        a full save   every field that there was, and `packed` as absent: nothing of today is looked at
 *   packed       a full save   `packed` as it was, and nothing else
 *   packed       a partial one  the same: unpacking changes no field, and those it then changes are inside that value
 *   either       anything more  nothing: the version is closed
 *
 * An older checkpoint that is not closed had the same form until that next one, and reads the fields it lacks from it: no
 * save changes the form without closing a version. Forgetting a version hands what it has to the one before, `packed` last,
 * and nothing to one that is closed.
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
    throw new CorruptionError({ key }, 'is packed, and has something after its last field');
  }
}
