/** Payloads of pawl's own events and records, encoded and decoded in one place. */
import { decode, encode } from '../core/codec.ts';
import { recordError } from '../core/error-record.ts';
import type { ErrorRecord } from '../core/errors.ts';
import type {
  ChildEnd,
  OperatorResumedData,
  RunEvent,
  SignalData,
  StepCompletedData,
  StoredEvent,
} from '../core/event.ts';
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

const statePrefix = 'state:';

/** The snapshot field of a top-level field of the state; all other fields are the fold's memory. */
export function stateField(key: string): string {
  return statePrefix + key;
}

/** The state's field that a snapshot field holds; undefined for the memory. */
export function stateKey(field: string): string | undefined {
  return field.startsWith(statePrefix) ? field.slice(statePrefix.length) : undefined;
}

/** An event as users see it: decoded, with what is encoded inside of it. */
export function toRunEvent(event: StoredEvent, key: string): RunEvent {
  const origin = { key, seq: event.seq };
  let data = decode(event.data, origin);
  if (event.type === 'step.completed') {
    const step = data as StepCompletedData;
    data = { ...step, result: decode(step.result, origin) };
  } else if (event.type === 'signal.received') {
    const signal = data as SignalData;
    data = { ...signal, payload: decode(signal.payload, origin) };
  } else if (event.type === 'child.ended') {
    const { output, ...end } = data as ChildEnd;
    data = output === undefined ? end : { ...end, output: decode(output, origin) };
  } else if (event.type === 'operator.retried' || event.type === 'operator.resumed') {
    const { input, ...request } = (data ?? {}) as OperatorResumedData;
    if (input !== undefined) data = { ...request, input: decode(input, origin) };
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
