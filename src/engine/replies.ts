/** What an owner replies to a question, as it is stored for whoever asked. */
import { decode, encode } from '../core/codec.ts';
import type { ErrorRecord } from '../core/errors.ts';

export type Reply =
  /** The value is encoded by itself. */
  | { readonly is: 'value'; readonly value: Uint8Array }
  /** Nobody answers to this name; the question does not fit; the answer has failed. */
  | { readonly is: 'unknown' | 'misfit' | 'failed'; readonly error: ErrorRecord };

const replyBytesMax = 1_000_000;

export function encodeReply(reply: Reply): Uint8Array {
  return encode(reply, 'reply', replyBytesMax);
}

export function decodeReply(bytes: Uint8Array, place: string): Reply {
  return decode(bytes, { key: place }) as Reply;
}
