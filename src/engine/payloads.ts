/** Payloads of pawl's own events and records, encoded and decoded in one place. */
import { decode, encode, encodePiece, type Origin } from '../core/codec.ts';
import { recordError } from '../core/error-record.ts';
import type { ErrorRecord } from '../core/errors.ts';
import type {
  ChildEnd,
  OperatorResumedData,
  RunEvent,
  SignalData,
  StateSetData,
  StepCompletedData,
  StoredEvent,
} from '../core/event.ts';

/** No limit of its own: what users gave for it was held to its limits before, and those may have been raised. */
export function encodeRecord(value: unknown): Uint8Array {
  return encode(value, 'record', Infinity);
}

/** As `encodeRecord`, for what is committed at once and then let go of. */
export function encodeRecordPiece(value: unknown): Uint8Array {
  return encodePiece(value, 'record', Infinity);
}

export function encodeError(thrown: unknown): Uint8Array {
  return encodeRecord(recordError(thrown));
}

export function decodeError(bytes: Uint8Array | undefined, key: string): ErrorRecord | undefined {
  return bytes === undefined ? undefined : (decode(bytes, { key }) as ErrorRecord);
}

const statePrefix = 'state:';

/** The snapshot field of a top-level field of the state; all other fields are the fold's bookkeeping. */
export function stateField(key: string): string {
  return statePrefix + key;
}

/** The state's field that a snapshot field holds; undefined for the bookkeeping. */
export function stateKey(field: string): string | undefined {
  return field.startsWith(statePrefix) ? field.slice(statePrefix.length) : undefined;
}

/** The end of a wait for a child, whatever is around it. */
const childWait = /(^|› )child:/;

/** The result of a step, or what ended a wait: the signals it took, each with its name, or the output of a child. */
function shownResult({ name, result, took, item }: StepCompletedData, origin: Origin): unknown {
  const value = decode(result, origin);
  const shown = (bytes: unknown): unknown =>
    bytes instanceof Uint8Array ? decode(bytes, origin) : bytes;
  if (took !== undefined && Array.isArray(value)) {
    return value.map((one) => (Array.isArray(one) ? one.map(shown) : shown(one)));
  }
  if (!childWait.test(name) || item !== undefined) return value;
  if (value instanceof Uint8Array) return shown(value);
  const { output, ...end } = (value ?? {}) as ChildEnd;
  return output === undefined ? value : { ...end, output: shown(output) };
}

/** An event as users see it: decoded, with what is encoded inside of it. */
export function toRunEvent(event: StoredEvent, key: string): RunEvent {
  const origin = { key, seq: event.seq };
  let data = decode(event.data, origin);
  if (event.type === 'step.completed') {
    const step = data as StepCompletedData;
    data = { ...step, result: shownResult(step, origin) };
  } else if (event.type === 'state.set') {
    const { patch } = data as StateSetData;
    data = { patch };
  } else if (event.type === 'signal.received' || event.type === 'signal.refused') {
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
    ...(event.branch === undefined ? {} : { branch: event.branch }),
  };
}
