/** What is said of large values. */
import type { BlobStore } from '../core/blobs.ts';
import { having, needed, optionsOf, type Rule, wholeNumber } from '../core/option-rules.ts';

/** Where large values lie, and what is large. */
export interface BlobOptions {
  /** Where they lie: `FileBlobStore` of `pawl/file`, or three methods over a bucket. All workers need the same. */
  readonly store: BlobStore;
  /** Values with more encoded bytes than this lie there. Default 65,536; less than 128 is 128. */
  readonly overBytes?: number;
}

const defaultOverBytes = 65_536;
/** A reference takes about as much. */
const leastBytes = 128;

/** Values with more bytes than this are large. */
export function largeOver({ overBytes = defaultOverBytes }: BlobOptions): number {
  return Math.max(overBytes, leastBytes);
}

/** @throws InvalidError naming the option. */
export const checkBlobs: Rule = optionsOf<BlobOptions>(
  {
    store: needed(having('a blob store, with put, get and delete', 'put', 'get', 'delete')),
    overBytes: wholeNumber(1),
  },
  '{ store }',
);
