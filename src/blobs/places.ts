/**
 * The only file that spells the ends of addresses: what a blob was put for. So it can be told which blobs a run does not
 * refer to any more, without looking at its values.
 */
import { createHash } from 'node:crypto';

/** Inputs, outputs, what is said of checkpoints, what a resume brings: they stay as long as the run. */
export const stays = 'p';

/** A field of a snapshot: the next save may put another value there. */
export const fieldPlace = 'f';

export function eventPlace(seq: number): string {
  return `e${seq.toString(16)}`;
}

/** The seq of the event that a blob was put for; undefined for any other. */
export function seqOf(address: string): number | undefined {
  const place = placeOf(address);
  return place.startsWith('e') ? Number.parseInt(place.slice(1), 16) : undefined;
}

export function isField(address: string): boolean {
  return placeOf(address) === fieldPlace;
}

/** A message, by its id: it goes when the run has taken it into its log. */
export function messagePlace(id: string): string {
  return `m${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
}

export function isOfMessage(address: string, ids: readonly string[]): boolean {
  const place = placeOf(address);
  return place.startsWith('m') && ids.some((id) => messagePlace(id) === place);
}

function placeOf(address: string): string {
  return address.slice(address.lastIndexOf('.') + 1);
}
