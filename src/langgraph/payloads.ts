/**
 * Checkpoints, values and writes as bytes, and back.
 *
 * LangGraph's serializer makes bytes of a value, with a word for how. Both go through pawl's codec, and where a cipher is
 * given, they are sealed for the place where they stand. A value stands under a key that is made of its bytes: the same
 * value of a thread is stored once, and two forks can never take each other's. With a cipher that key is made with a secret
 * one, so nobody can guess a value by its key.
 */
import { createHash } from 'node:crypto';
import type { Cipher, Place } from '../core/cipher.ts';
import { decode, encode } from '../core/codec.ts';
import { CorruptionError } from '../core/errors.ts';
import { valuePlace } from '../core/langgraph.ts';
import type { Serializer } from './contract.ts';

/** A value as the serializer makes it. */
type Typed = readonly [type: string, bytes: Uint8Array];

/** A cipher that can make keys of what it seals. */
export interface ThreadCipher extends Cipher {
  fingerprint(plain: Uint8Array): Buffer;
}

export interface PayloadParts {
  readonly serde: Serializer;
  readonly cipher: ThreadCipher | undefined;
  /** Of one call, in bytes. */
  readonly limit: number;
}

export interface Packed {
  readonly key: string;
  readonly bytes: Uint8Array;
}

const keyBytes = 16;

export class Payloads {
  readonly #parts: PayloadParts;

  constructor(parts: PayloadParts) {
    this.#parts = parts;
  }

  /** @throws LimitError, or what the serializer throws; nothing was written. */
  async value(run: string, value: unknown, what: string): Promise<Packed> {
    const { cipher, limit } = this.#parts;
    const plain = encode(await this.#dump(value), what, limit);
    const digest = cipher?.fingerprint(plain) ?? createHash('sha256').update(plain).digest();
    const key = digest.subarray(0, keyBytes).toString('base64url');
    return { key, bytes: this.#sealed(plain, valuePlace(run, key)) };
  }

  async openValue(run: string, key: string, bytes: Uint8Array | undefined): Promise<unknown> {
    const origin = `run ${run}, value ${key}`;
    if (bytes === undefined) throw new CorruptionError({ key: origin }, 'is not there');
    const opened = this.#opened(bytes, valuePlace(run, key));
    return this.#load(decode(opened, { key: origin }) as Typed);
  }

  /** Several values as one payload, and with them what is plain data already. */
  async bundle(
    place: Place,
    {
      values,
      plain,
      what,
    }: { readonly values: readonly unknown[]; readonly plain: unknown; readonly what: string },
  ): Promise<Uint8Array> {
    const dumped = await Promise.all(values.map((value) => this.#dump(value)));
    return this.#sealed(encode([plain, ...dumped], what, this.#parts.limit), place);
  }

  async openBundle(
    place: Place,
    bytes: Uint8Array,
  ): Promise<{ readonly plain: unknown; readonly values: readonly unknown[] }> {
    const origin = { key: `run ${place.run}, ${place.path.join(' ')}` };
    const [plain, ...dumped] = decode(this.#opened(bytes, place), origin) as [unknown, ...Typed[]];
    return { plain, values: await Promise.all(dumped.map((one) => this.#load(one))) };
  }

  /** The same payload at another place. */
  moved(bytes: Uint8Array, from: Place, to: Place): Uint8Array {
    return this.#sealed(this.#opened(bytes, from), to);
  }

  /** A value at another place: its key is the same there. */
  movedValue(
    bytes: Uint8Array,
    key: string,
    runs: readonly [from: string, to: string],
  ): Uint8Array {
    return this.moved(bytes, valuePlace(runs[0], key), valuePlace(runs[1], key));
  }

  async #dump(value: unknown): Promise<Typed> {
    // What a reader has in hand may change: the bytes are a copy.
    return this.#parts.serde.dumpsTyped(value);
  }

  async #load([type, bytes]: Typed): Promise<unknown> {
    return this.#parts.serde.loadsTyped(type, bytes);
  }

  #sealed(plain: Uint8Array, place: Place): Uint8Array {
    return this.#parts.cipher?.seal(plain, place) ?? plain;
  }

  #opened(bytes: Uint8Array, place: Place): Uint8Array {
    return this.#parts.cipher?.open(bytes, [place]) ?? bytes;
  }
}

export const bodyPlace = (run: string, namespace: string, checkpoint: string): Place => ({
  run,
  path: ['thread', 'checkpoint', namespace, checkpoint],
});

export const writePlace = (
  run: string,
  at: { readonly namespace: string; readonly checkpoint: string; readonly field: string },
): Place => ({ run, path: ['thread', 'write', at.namespace, at.checkpoint, at.field] });
