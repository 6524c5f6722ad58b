/** The blobs that a write refers to, as the scripts take them, and how they say that one of them is gone. */
import { SweptError } from '../core/blobs.ts';

/** Lines of addresses. */
export function blobLines(blobs: readonly string[] | undefined): string {
  return blobs === undefined ? '' : blobs.join('\n');
}

/** @throws SweptError when a script has refused a write because of its blobs. */
export function checkSwept(run: string, outcome: unknown): void {
  if (String(outcome) === 'swept') throw new SweptError(run);
}
