/** Payloads of pawl's own events and records, encoded and decoded in one place. */
import { decode, encode } from '../core/codec.ts';
import { type ErrorRecord, recordError } from '../core/errors.ts';
import type { RunEvent, StepCompletedData, StoredEvent } from '../core/event.ts';
import type { StepResult } from '../core/fold.ts';
import { fixedLimits } from '../core/limits.ts';

/** Records of errors and the like are small by construction; this bound only has to be generous. */
const recordBytes = fixedLimits.bytesPerCommit;

export function encodeRecord(value: unknown): Uint8Array {
  return encode(value, 'record', recordBytes);
}

export function encodeError(thrown: unknown): Uint8Array {
  return encodeRecord(recordError(thrown));
}

export function decodeError(bytes: Uint8Array | undefined, key: string): ErrorRecord | undefined {
  return bytes === undefined ? undefined : (decode(bytes, { key }) as ErrorRecord);
}

/** Names of snapshot fields. */
export const stateField = (key: string): string => `state:${key}`;
export const stepField = (name: string): string => `step:${name}`;

export type SnapshotField =
  | { readonly kind: 'state'; readonly name: string }
  | { readonly kind: 'step'; readonly name: string };

export function parseSnapshotField(field: string): SnapshotField | undefined {
  const colon = field.indexOf(':');
  const kind = field.slice(0, colon);
  const name = field.slice(colon + 1);
  return kind === 'state' || kind === 'step' ? { kind, name } : undefined;
}

export function encodeStep(result: StepResult): Uint8Array {
  return encodeRecord(result);
}

export function decodeStep(bytes: Uint8Array, key: string): StepResult {
  return decode(bytes, { key }) as StepResult;
}

/** An event as users see it: decoded, the result of a step included. */
export function toRunEvent(event: StoredEvent, key: string): RunEvent {
  const origin = { key, seq: event.seq };
  let data = decode(event.data, origin);
  if (event.type === 'step.completed') {
    const step = data as StepCompletedData;
    data = { ...step, result: decode(step.result, origin) };
  }
  return {
    seq: event.seq,
    type: event.type,
    data,
    at: new Date(event.at),
    fence: event.fence,
    ...(event.lane === undefined ? {} : { lane: event.lane }),
  };
}
