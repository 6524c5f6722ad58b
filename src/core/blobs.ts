/**
 * Blobs: values that are too large for the store of runs. The value lies in a blob store, under an address; the run has a
 * reference to it where the value would be.
 *
 *   note ──▶ pending ──a write that refers to it──▶ the run's ──deletion of the run, drop──▶ garbage ──▶ gone
 *               └───────── pendingMs ──────────────────────────────────────────────────────────┘
 *
 * An address is never used for a second time. So what is garbage stays garbage, and whoever removes it meets nobody. A
 * write takes its blobs in the same step that stores the references. When one of them is garbage by then, because its
 * writer was frozen for long, the write is refused and nothing is written: see `SweptError`.
 *
 * A crash between any two steps leaves a blob that is pending, which becomes garbage by itself, or garbage, which whoever
 * collects next removes. Garbage stays readable for a while: for readers that have just read the reference, and for a
 * store that comes back from a crash without its last second.
 */
import { BlobError } from './errors.ts';

/** The envelope byte of a reference; see `codec.ts`. */
export const blobFormat = 0x04;

/**
 * Where large values lie: a bucket, a folder, a table. pawl gives each value an address of its own, and never puts two
 * values under one address. What it puts is what it gets back: pawl compares a hash.
 */
export interface BlobStore {
  /** Resolves when the bytes are durable. The same address comes again only with the same bytes. */
  put(address: string, bytes: Uint8Array): Promise<void>;
  /** Undefined when there is nothing under the address. */
  get(address: string): Promise<Uint8Array | undefined>;
  /** Removes what is there. Nothing there is no error. */
  delete(address: string): Promise<void>;
}

/** A blob, and the run that it was put for. */
export interface BlobNote {
  readonly run: string;
  readonly address: string;
}

/** What the store of runs knows of blobs: which are whose, and which are nobody's. It never sees what is in them. */
export interface BlobIndex {
  /** Blobs that are about to be put. From now on somebody knows of them, whatever dies. */
  note(run: string, addresses: readonly string[]): Promise<void>;
  /** The blobs that a run has taken, in no order. */
  of(run: string): Promise<readonly string[]>;
  /** Blobs that the run does not refer to any more, or never will: garbage. What is garbage already stays so. */
  drop(run: string, addresses: readonly string[]): Promise<void>;
  /**
   * Makes garbage of what is pending for `pendingMs`. Returns what is garbage for `garbageMs`, at most `limit`: the same comes
   * again after that time, unless it was said to be gone.
   */
  collect(params: CollectParams): Promise<readonly BlobNote[]>;
  /** Garbage that is gone from the blob store: it is forgotten. */
  collected(notes: readonly BlobNote[]): Promise<void>;
}

export interface CollectParams {
  readonly pendingMs: number;
  readonly garbageMs: number;
  readonly limit: number;
}

/** A write refers to a blob that is garbage: nothing was written. Whoever wrote has the value, and puts it again. */
export class SweptError extends Error {
  override readonly name = 'SweptError';
  constructor(run: string) {
    super(
      `A blob of run ${run} was put so long ago that it counts as forgotten; nothing was written.`,
    );
  }
}

const ascii = new TextDecoder('latin1');
const addressPattern = /^[0-9a-f]{64}\.[0-9a-f]{16}\.[a-z][0-9a-f]*$/;

/** The bytes that stand in a run for a value that lies elsewhere. */
export function toReference(address: string): Uint8Array {
  return Buffer.concat([Buffer.of(blobFormat), Buffer.from(address, 'latin1')]);
}

/** The address that the bytes of a value refer to; undefined when they are the value. */
export function addressIn(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== blobFormat) return undefined;
  const address = ascii.decode(bytes.subarray(1));
  return addressPattern.test(address) ? address : undefined;
}

/** Bytes that refer to a blob and were decoded as if they were the value. */
export function notFetched(key: string): BlobError {
  return new BlobError({ key }, '', 'lies in a blob store, and this pawl was opened without one');
}
