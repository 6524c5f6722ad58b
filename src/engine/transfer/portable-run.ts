/** Lines of an export as records of a store: the inverse of what `exports.ts` writes, and as strict. */
import { type CheckpointRecord, isCheckpointId } from '../../core/checkpoint.ts';
import { decode } from '../../core/codec.ts';
import type { StoredEvent } from '../../core/event.ts';
import { withGiven } from '../../core/given.ts';
import { fixedLimits } from '../../core/limits.ts';
import {
  checkKey,
  checkRunId,
  checkSignalKey,
  checkTags,
  checkWorkflowName,
} from '../../core/names.ts';
import {
  isEnded,
  type RunProgress,
  type RunRecord,
  type RunStatus,
  runStatuses,
} from '../../core/run.ts';
import type { Message, MessageKind, Snapshot } from '../../core/store.ts';
import { fromBase64 } from '../../core/tagged-json.ts';
import { readWaits, type Wait, waitsKept } from '../../core/waits.ts';
import type { LineFields } from './line-fields.ts';

const unmanagedPrefix = 'loop~';
const textLength = 512;
const longTextLength = 100_000;
/** What Redis keeps beside the fields of a snapshot. */
const takenFields: ReadonlySet<string> = new Set([
  'version',
  'seq',
  'schema',
  'at',
  'count',
  'whole',
]);
const kinds: readonly MessageKind[] = ['signal', 'cancel', 'child'];

export interface PortableRun {
  readonly record: RunRecord;
  readonly unmanaged: boolean;
  readonly notifyPending: boolean;
  readonly cancelPending: boolean;
  /** Something has come that it waits for, as far as its own line says; messages may follow. */
  readonly woken: boolean;
}

/**
 * The record as it will be stored: a run that was at work when it was exported is one that lost its worker. `birth`: of a
 * run whose line says nothing of it.
 */
export function toPortableRun(line: LineFields, birth: string): PortableRun {
  const unmanaged = line.flag('unmanaged');
  const notifyPending = line.flag('notifyPending');
  const cancelPending = line.flag('cancelPending');
  const woken = line.flag('woken');
  const written = toStatus(line);
  const worker = line.optionalText('worker', textLength);
  if ((worker !== undefined) !== (written === 'running')) {
    throw line.problem(
      `has ${worker === undefined ? 'no worker and is' : 'a worker and is not'} running`,
    );
  }
  const seq = line.integer('seq', { min: 1 });
  const version = line.integer('version');
  const parent = line.has('parent') ? line.checked('parent', checkRunId) : undefined;
  const onEnd = line.flag('onEnd');
  const tags = line.object('tags');
  line.attempt('tags', () => checkTags(tags));
  const codeVersion = line.integer('codeVersion');
  const record: RunRecord = {
    id: line.checked('id', checkRunId),
    workflow: line.checked('workflow', (name) => checkWorkflow(name, unmanaged)),
    codeVersion,
    wroteVersion: line.has('wroteVersion') ? line.integer('wroteVersion') : codeVersion,
    needsVersion: undefined,
    birth: line.optionalText('birth', textLength) ?? birth,
    waits: line.has('waits') ? toPortableWaits(line) : [],
    status: written === 'running' ? 'interrupted' : written,
    fence: line.integer('fence'),
    worker: undefined,
    seq,
    version,
    parent,
    key: line.has('key') ? line.checked('key', checkKey) : undefined,
    turn: undefined,
    onEnd,
    firstSeq: line.has('firstSeq') ? line.integer('firstSeq', { min: 2, max: seq }) : 1,
    snapshotSeq: line.integer('snapshotSeq', {
      min: version === 0 ? 0 : 1,
      max: version === 0 ? 0 : seq,
    }),
    takeovers: line.integer('takeovers'),
    losses: line.integer('losses'),
    bytes: line.integer('bytes'),
    paused: line.flag('paused'),
    progress: line.has('progress') ? toProgress(line) : undefined,
    priority: line.integer('priority'),
    chunks: line.has('chunks') ? line.integer('chunks') : 0,
    tags: tags as Record<string, string>,
    createdAt: line.time('createdAt'),
    changedAt: line.time('changedAt'),
    wakeAt: line.optionalTime('wakeAt'),
    deadlineAt: line.optionalTime('deadlineAt'),
    input: toInput(line),
    output: line.optionalPayload('output'),
    error: toError(line),
  };
  if (notifyPending && ((parent === undefined && !onEnd) || !isEnded(record.status))) {
    throw line.problem(
      'cancelPending news of its end, and nobody is to be told or it has not ended',
    );
  }
  if (cancelPending && !isEnded(record.status))
    throw line.problem('owes something, and has not ended');
  if ((woken || record.waits.length > 0) && record.status !== 'waiting') {
    throw line.problem('waits for something, and is not waiting');
  }
  line.end();
  return { record, unmanaged, notifyPending, cancelPending, woken };
}

export function toPortableSnapshot(line: LineFields, record: RunRecord): Snapshot {
  const snapshot = {
    version: line.integer('version', { min: record.version, max: record.version }),
    seq: line.integer('seq', { min: record.snapshotSeq, max: record.snapshotSeq }),
    schema: line.integer('schema'),
    at: line.time('at'),
    fields: toFields(line, 'fields'),
  };
  line.end();
  return snapshot;
}

export function toPortableEvent(line: LineFields, seq: number, record: RunRecord): StoredEvent {
  const branch = line.optionalText('branch', textLength);
  const event = {
    seq: line.integer('seq', { min: seq, max: seq }),
    fence: line.integer('fence', { max: record.fence }),
    type: line.checked('type', (type) => checkType(type)),
    at: line.time('at'),
    data: line.payload('data'),
    ...(branch === undefined ? {} : { branch }),
    ...(line.flag('more') ? { more: true } : {}),
  };
  line.end();
  return event;
}

export interface PortableCheckpoint {
  readonly checkpoint: CheckpointRecord;
  readonly set: ReadonlyMap<string, Uint8Array>;
  readonly remove: readonly string[];
}

export function toPortableCheckpoint(line: LineFields, record: RunRecord): PortableCheckpoint {
  const id = line.checked('id', (value) => {
    if (typeof value !== 'string' || !isCheckpointId(value))
      throw new TypeError('is no checkpoint');
  });
  const label = line.optionalText('label', fixedLimits.stepNameLength);
  const node = line.optionalText('node', fixedLimits.stepNameLength);
  const metadata = line.optionalPayload('metadata');
  const version = Number.parseInt(id, 10);
  const checkpoint = {
    id,
    version: line.integer('version', { min: version, max: Math.min(version, record.version) }),
    seq: line.integer('seq', { min: 1, max: record.snapshotSeq }),
    schema: line.integer('schema'),
    at: line.time('at'),
    bytes: line.integer('bytes'),
    ...(label === undefined ? {} : { label }),
    ...(node === undefined ? {} : { node }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  const part = {
    checkpoint,
    set: toFields(line, 'set'),
    remove: line.texts('remove', longTextLength),
  };
  line.end();
  return part;
}

export function toPortableMessage(line: LineFields): Message {
  const about = (['key', 'wait', 'actor'] as const).flatMap((name) => {
    const text = line.optionalText(name, longTextLength);
    if (name === 'key' && text !== undefined) line.attempt(name, () => checkSignalKey(text));
    return text === undefined ? [] : [[name, text] as const];
  });
  const message = {
    ...Object.fromEntries(about),
    id: line.text('id', textLength),
    kind: line.checked('about', (kind) => {
      if (!kinds.includes(kind as MessageKind)) throw new TypeError('is no kind of message');
    }) as MessageKind,
    name: line.text('name', textLength),
    at: line.time('at'),
    data: line.payload('data'),
  };
  line.end();
  return message;
}

/** What a run waits for, as an export wrote it: nothing is taken that a store could not have held. */
function toPortableWaits(line: LineFields): readonly Wait[] {
  return line.attempt('waits', () => readWaits(line.list('waits', waitsKept)));
}

function toStatus(line: LineFields): RunStatus {
  return line.checked('status', (status) => {
    if (!runStatuses.includes(status as RunStatus)) throw new TypeError('is no status');
  }) as RunStatus;
}

function checkWorkflow(name: unknown, unmanaged: boolean): void {
  const isLoop = typeof name === 'string' && name.startsWith(unmanagedPrefix);
  if (isLoop !== unmanaged) throw new TypeError('loops, and only they, are named so');
  checkWorkflowName(isLoop ? name.slice(unmanagedPrefix.length) : name);
}

function checkType(type: unknown): void {
  if (typeof type === 'string' && /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/.test(type)) return;
  throw new TypeError('is no type of an event');
}

function toProgress(line: LineFields): RunProgress {
  const { fraction, message, ...rest } = line.object('progress');
  const isFraction = typeof fraction === 'number' && fraction >= 0 && fraction <= 1;
  const isMessage = typeof message === 'string' && message.length <= longTextLength;
  if (isFraction && isMessage && Object.keys(rest).length === 0) return { fraction, message };
  throw line.problem('has a progress that is none');
}

function toInput(line: LineFields): Uint8Array {
  const input = line.payload('input');
  const given = line.optionalText('given', textLength);
  return given === undefined ? input : withGiven(input, fromBase64(given));
}

/** Every reader takes it for an error as `recordError` made it. */
function toError(line: LineFields): Uint8Array | undefined {
  const bytes = line.optionalPayload('error');
  if (bytes === undefined) return undefined;
  line.attempt('error', () => checkError(decode(bytes, { key: 'error' })));
  return bytes;
}

function checkError(value: unknown): void {
  const known = (value ?? {}) as Record<string, unknown>;
  const { name, message, cause, errors = [], fields = {}, thrown = {} } = known;
  const isRight =
    [name, message].every((text) => typeof text === 'string') &&
    ['code', 'stack', 'base', 'className'].every((field) => isOptionalText(known[field])) &&
    Array.isArray(errors) &&
    [fields, thrown].every((object) => typeof object === 'object' && object !== null);
  if (!isRight) throw new TypeError('is no recorded error');
  for (const one of errors) checkError(one);
  if (cause !== undefined) checkError(cause);
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function toFields(line: LineFields, name: string): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  for (const [field, json] of Object.entries(line.object(name))) {
    if (takenFields.has(field) || field === '' || field.length > longTextLength) {
      throw line.problem(`has ${name} with a field that no snapshot has`);
    }
    fields.set(field, line.encoded(field, json));
  }
  return fields;
}
