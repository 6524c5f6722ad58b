/** Values whose bytes are sealed: encrypted, and not to be read until a cipher has opened them. */
import type { PawlError } from './errors.ts';

/** The envelope byte of a payload that was sealed by a cipher; see `codec.ts`. */
export const sealedFormat = 0x02;

/** Why bytes that stand for a value cannot be read. Held weakly: they are gone when the bytes are. */
const reasons = new WeakMap<Uint8Array, PawlError>();

/** Stands for a value that cannot be read; code that decodes it, or stores it elsewhere, gets `reason` thrown. */
export function unreadable(reason: PawlError): Uint8Array {
  const bytes = Uint8Array.of(sealedFormat);
  reasons.set(bytes, reason);
  return bytes;
}

/** Why these bytes cannot be read; undefined when they are no `unreadable` ones. */
export function reasonOf(bytes: Uint8Array): PawlError | undefined {
  return bytes[0] === sealedFormat ? reasons.get(bytes) : undefined;
}

/** @throws the reason, when these bytes stand for a value that cannot be read. */
export function checkReadable(bytes: Uint8Array): void {
  const reason = reasonOf(bytes);
  if (reason !== undefined) throw reason;
}
