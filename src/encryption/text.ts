/** Sealed text, for what is stored as text: the word before it is what no base64 and few sentences begin with. */
import type { Cipher, Place } from '../core/cipher.ts';
import { checkReadable } from '../core/sealed.ts';

const mark = 'sealed:';

export function sealText(cipher: Cipher, text: string, place: Place): string {
  const sealed = cipher.seal(Buffer.from(text), place);
  return mark + Buffer.from(sealed).toString('base64');
}

/** @throws PawlError `PAWL_KEY_MISSING`, `PAWL_CORRUPT`. */
export function openText(cipher: Cipher, text: string, place: Place): string {
  const isSealed = text.startsWith(mark);
  // A byte of no meaning asks whether what is not sealed may be read at all.
  const bytes = isSealed ? Buffer.from(text.slice(mark.length), 'base64') : Uint8Array.of(0);
  const plain = cipher.open(bytes, [place]);
  checkReadable(plain);
  return isSealed ? Buffer.from(plain).toString() : text;
}
