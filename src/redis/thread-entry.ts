/** How checkpoints and writes of threads stand in Redis: see lua/parts/langgraph.lua. */
import type { Channels, StoredCheckpoint, ThreadPlace, ThreadText } from '../core/langgraph.ts';
import { CorruptionError } from '../core/errors.ts';

/** Namespaces and ids have no NUL, and what sorts before all else keeps the checkpoints of a namespace together. */
const between = '\0';
const keyLength = 22;
const lineEnd = 0x0a;

export function memberOf({ namespace, checkpoint }: Omit<ThreadPlace, 'run'>): string {
  return namespace + between + checkpoint;
}

export function placeOf(member: unknown): Omit<ThreadPlace, 'run'> {
  const text = String(member);
  const at = text.indexOf(between);
  return { namespace: text.slice(0, at), checkpoint: text.slice(at + 1) };
}

/** @throws CorruptionError naming the key. */
export function toCheckpoint(
  key: string,
  place: Omit<ThreadPlace, 'run'>,
  stored: Buffer,
): StoredCheckpoint {
  const end = stored.indexOf(lineEnd);
  try {
    const head = JSON.parse(stored.toString('utf8', 0, end)) as {
      readonly parent: string;
      readonly channels: Channels;
    };
    const parent = head.parent === '' ? undefined : head.parent;
    return { ...place, parent, channels: head.channels, body: stored.subarray(end + 1) };
  } catch (error) {
    throw new CorruptionError({ key }, `has no usable checkpoint ${place.checkpoint}`, error);
  }
}

export function fromCheckpoint({ parent = '', channels, body }: StoredCheckpoint): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ parent, channels })}\n`), body]);
}

export function fromText({ bytes, key }: ThreadText): Buffer {
  return Buffer.concat([Buffer.from(key === undefined ? 'i' : `r${key}`), bytes]);
}

export function toText(stored: Buffer): ThreadText {
  if (stored[0] !== 0x72) return { bytes: stored.subarray(1), key: undefined };
  return {
    bytes: stored.subarray(1 + keyLength),
    key: stored.toString('latin1', 1, 1 + keyLength),
  };
}

/** Names and bytes that alternate. */
export function toPairs(flat: unknown): (readonly [string, Buffer])[] {
  const list = flat as readonly Buffer[];
  const pairs: (readonly [string, Buffer])[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) {
    pairs.push([String(list[i]), list[i + 1] as Buffer]);
  }
  return pairs;
}
