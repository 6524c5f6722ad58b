/**
 * The portable form of runs: one JSON object in each line, readable by people, complete, in the order it is written.
 *
 *   {"kind":"pawl-export","version":1}
 *   {"kind":"run", …}          the record, with input, output, error, tags
 *   {"kind":"snapshot", …}     what the next claim starts from; absent when there is none
 *   {"kind":"event", …}        every event, in order
 *   {"kind":"checkpoint", …}   every kept snapshot, the oldest first: what differs from the one before
 *   {"kind":"message", …}      what came for the run and is not in its log yet
 *   {"kind":"seen", …}         ids of all messages that ever came: the same one again is a repetition
 *   {"kind":"end", …}          how many of each there were, and the SHA-256 of the run's lines, each with its line feed
 *   {"kind":"withdrawn", …}    instead of an end: the run went, or changed under the reader's hands; its lines are void
 *   {"kind":"complete", …}     how many runs there were: a file that was cut off is told from a full one
 *
 * The record of a run whose log was compacted has `firstSeq`: its events begin there, not at 1. `events` in the end line is
 * the seq of the last one in any case.
 *
 * Values are plain JSON; what JSON cannot say is tagged (`core/tagged-json.ts`). A payload that cannot be decoded is
 * `{"$raw": base64}`: an export leaves nothing out. Two exports of the same run are the same bytes. Whole exports may
 * follow each other in one file. Who changes a file by hand removes `sha256` from the end of that run.
 */
import { decode, encode } from '../../core/codec.ts';
import { checkReadable } from '../../core/sealed.ts';
import { InvalidError } from '../../core/errors.ts';
import { fromBase64, fromTagged, toBase64, toTagged } from '../../core/tagged-json.ts';

export const portableVersion = 1;

export type LineKind =
  | 'pawl-export'
  | 'run'
  | 'snapshot'
  | 'event'
  | 'checkpoint'
  | 'message'
  | 'seen'
  | 'end'
  | 'withdrawn'
  | 'complete';

/** One line, parsed; what is in it depends on its kind. */
export interface Line {
  readonly kind: LineKind;
  readonly [field: string]: unknown;
}

const kinds: ReadonlySet<unknown> = new Set<LineKind>([
  ...(['pawl-export', 'run', 'snapshot', 'event', 'checkpoint', 'message', 'seen'] as const),
  ...(['end', 'withdrawn', 'complete'] as const),
]);

export function formatLine(line: Line): string {
  return JSON.stringify(line);
}

/** @throws InvalidError that names the number of the line. */
export function parseLine(text: string, number: number): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new InvalidError(`line ${number}`, 'is not JSON; is the file cut off?');
  }
  const { kind } = (line ?? {}) as { kind?: unknown };
  if (!kinds.has(kind)) {
    throw new InvalidError(
      `line ${number}`,
      `has the kind ${String(kind)}, which is none of an export.`,
    );
  }
  return line as Line;
}

/** A stored payload as its line has it. @throws KeyMissingError, CorruptionError for one that could not be opened. */
export function toPortable(bytes: Uint8Array): unknown {
  // What stands for a value that nobody could open is not the value.
  checkReadable(bytes);
  try {
    return toTagged(decode(bytes, { key: 'payload' }));
  } catch {
    return { $raw: toBase64(bytes) };
  }
}

/** The payload as it is stored again. @throws TypeError for what `toPortable` did not write. */
export function fromPortable(json: unknown): Uint8Array {
  if (typeof json === 'object' && json !== null) {
    const [field, ...more] = Object.entries(json);
    if (field?.[0] === '$raw' && more.length === 0) return fromBase64(String(field[1]));
  }
  return encode(fromTagged(json), 'payload', Infinity);
}
