/** What the record of a thread's run says of the thread: its id, which the run's id cannot always tell. */
import type { Cipher } from '../core/cipher.ts';
import { decode, encode } from '../core/codec.ts';

const inputBytesMax = 8_192;
const inputPlace = (run: string) => ({ run, path: ['input'] });

export function threadInput(thread: string, run: string, cipher: Cipher | undefined): Uint8Array {
  const plain = encode({ thread }, 'thread', inputBytesMax);
  return cipher?.seal(plain, inputPlace(run)) ?? plain;
}

/** @throws CorruptionError, KeyMissingError naming the run. */
export function openThreadName(input: Uint8Array, run: string, cipher: Cipher | undefined): string {
  const plain = cipher?.open(input, [inputPlace(run)]) ?? input;
  return (decode(plain, { key: `run ${run}, input` }) as { readonly thread: string }).thread;
}
