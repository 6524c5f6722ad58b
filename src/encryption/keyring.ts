/**
 * The keys, and what is done with them: AES-256-GCM by node:crypto.
 *
 * A sealed value is `0x02 · length of the key id · key id · 12 random bytes · ciphertext · 16 bytes tag`. The place it is
 * sealed for, the scope (the prefix of the keys in Redis) and the key id are authenticated with it, not stored: a value
 * opens only where it was put.
 *
 * Each value has a random nonce of 96 bits. With one key that is safe for about 2^32 values (NIST SP 800-38D); a key that
 * has sealed more should be followed by a new one. Old keys stay in the ring for reading.
 *
 * The keys are in private fields: neither inspection nor JSON of this object shows them.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Cipher, Place } from '../core/cipher.ts';
import { blobFormat } from '../core/blobs.ts';
import { reasonOf, sealedFormat, unreadable } from '../core/sealed.ts';
import { CorruptionError, InvalidError, KeyMissingError } from '../core/errors.ts';

/** Keys for everything that workflows store, and which one seals new values. */
export interface EncryptionOptions {
  /** Key id → 32 bytes, or their base64. Ids are 1–32 of `A–Z a–z 0–9 _ . -`, and are stored in clear. */
  readonly keys: Readonly<Record<string, Uint8Array | string>>;
  /** The key that new values are sealed with. All others only read. */
  readonly current: string;
  /** Refuse values that are not encrypted, as a run from before would hold. Default false. */
  readonly required?: boolean;
}

const algorithm = 'aes-256-gcm';
const keyLength = 32;
const nonceLength = 12;
const tagLength = 16;
const idPattern = /^[A-Za-z0-9_.-]{1,32}$/;
const base64Pattern = /^[A-Za-z0-9+/]{43}=$/;

export class Keyring implements Cipher {
  readonly #keys = new Map<string, Buffer>();
  readonly #current: string;
  readonly #currentKey: Buffer;
  /** Everything of a sealed value that comes before its nonce. */
  readonly #header: Buffer;
  readonly #scope: string;
  readonly #required: boolean;
  /** Made of the key, for what is not encryption. */
  readonly #fingerprintKey: Buffer;

  /**
   * @throws InvalidError for a bad id or key; it never shows a key.
   */
  constructor({ keys, current, required }: EncryptionOptions, scope: string) {
    if (typeof keys !== 'object' || keys === null) {
      throw new InvalidError('encryption.keys', 'must be an object of keys by their ids.');
    }
    for (const [id, key] of Object.entries(keys)) this.#keys.set(checkId(id), toKey(id, key));
    const key = typeof current === 'string' ? this.#keys.get(current) : undefined;
    if (key === undefined) throw new InvalidError('encryption.current', 'is none of the keys.');
    this.#current = current;
    this.#currentKey = key;
    this.#header = Buffer.concat([Buffer.of(sealedFormat, current.length), Buffer.from(current)]);
    this.#scope = scope;
    this.#required = required ?? false;
    this.#fingerprintKey = createHmac('sha256', key).update('pawl fingerprint').digest();
  }

  /** 32 bytes that are the same for the same bytes, and that nobody without the key can make or compare with guesses. */
  fingerprint(plain: Uint8Array): Buffer {
    return createHmac('sha256', this.#fingerprintKey)
      .update(this.#scope)
      .update('\0')
      .update(plain)
      .digest();
  }

  seal(plain: Uint8Array, place: Place): Uint8Array {
    const nonce = randomBytes(nonceLength);
    const cipher = createCipheriv(algorithm, this.#currentKey, nonce);
    cipher.setAAD(this.#binding(this.#current, place));
    const head = cipher.update(plain);
    const tail = cipher.final();
    return Buffer.concat([this.#header, nonce, head, tail, cipher.getAuthTag()]);
  }

  open(bytes: Uint8Array, places: readonly [Place, ...Place[]]): Uint8Array {
    // Not fetched, or not fetchable: whoever decodes it is told why.
    if (bytes[0] === blobFormat || reasonOf(bytes) !== undefined) return bytes;
    if (bytes[0] !== sealedFormat) return this.#plain(bytes, places[0]);
    const [place] = places;
    const idEnd = 2 + (bytes[1] ?? 0);
    const nonceEnd = idEnd + nonceLength;
    const tagAt = bytes.length - tagLength;
    const id = Buffer.from(bytes.subarray(2, idEnd)).toString('latin1');
    if (tagAt < nonceEnd || !idPattern.test(id)) {
      return corrupt(place, 'is encrypted, and cut off or changed');
    }
    const key = this.#keys.get(id);
    if (key === undefined) return unreadable(new KeyMissingError(describe(place), id));
    for (const one of places) {
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(idEnd, nonceEnd), {
        authTagLength: tagLength,
      });
      decipher.setAAD(this.#binding(id, one));
      decipher.setAuthTag(bytes.subarray(tagAt));
      const head = decipher.update(bytes.subarray(nonceEnd, tagAt));
      try {
        decipher.final();
        return head;
      } catch {
        // The tag does not fit: not sealed for this place.
      }
    }
    return corrupt(place, `does not open with key ${id}: it was changed, or belongs elsewhere`);
  }

  #plain(bytes: Uint8Array, place: Place): Uint8Array {
    if (!this.#required) return bytes;
    return corrupt(place, 'is not encrypted, and encryption is required');
  }

  /** One text for each place: JSON of a list cannot be read in two ways. */
  #binding(id: string, { run, path }: Place): Buffer {
    return Buffer.from(JSON.stringify([this.#scope, id, run, ...path]));
  }
}

function checkId(id: string): string {
  if (idPattern.test(id)) return id;
  throw new InvalidError('encryption.keys', 'has an id that is not 1-32 of A-Z a-z 0-9 _ . -');
}

function toKey(id: string, key: unknown): Buffer {
  if (key instanceof Uint8Array && key.length === keyLength) return Buffer.from(key);
  if (typeof key === 'string' && base64Pattern.test(key)) {
    const bytes = Buffer.from(key, 'base64');
    if (bytes.length === keyLength) return bytes;
  }
  throw new InvalidError(`encryption.keys.${id}`, `is not ${keyLength} bytes, nor their base64.`);
}

function describe({ run, path }: Place): string {
  return `run ${run}, ${path.join(' ')}`;
}

function corrupt(place: Place, problem: string): Uint8Array {
  return unreadable(new CorruptionError({ key: describe(place) }, problem));
}
