/**
 * The fields of hashes and stream entries, and how replies become records. Scripts name fields too; a house test holds those
 * of a run's hash to `runFields`.
 */
import type { CheckpointRecord } from '../core/checkpoint.ts';
import type { DeletionRecord } from '../core/deletions.ts';
import { CorruptionError } from '../core/errors.ts';
import type { InterruptReason } from '../core/event.ts';
import {
  type RunProgress,
  type RunRecord,
  type RunStatus,
  runStatuses,
  type RunSummary,
  toSummary,
} from '../core/run.ts';
import type { Message, MessageKind, Snapshot, Takeover } from '../core/store.ts';
import type { WorkerInfo, WorkerRecord } from '../core/fleet.ts';
import type { ExportedRun } from '../core/transfer.ts';
import {
  answerLines,
  indexedBy,
  questionLine,
  readWaits,
  type Wait,
  waitsKept,
  wantedBy,
  wantsQuestions,
} from '../core/waits.ts';
import { unpackFields } from './packed-snapshot.ts';

/** A hash as scripts return it: names and values in turn. */
export type Flat = readonly Buffer[];

/** One stream entry as Redis returns it. */
export type Entry = readonly [Buffer, Flat];

const tagSeparator = '\n';

export function formatTags(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(tagSeparator);
}

function parseTags(text: string): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const tag of text.split(tagSeparator)) {
    const equals = tag.indexOf('=');
    if (equals > 0) tags[tag.slice(0, equals)] = tag.slice(equals + 1);
  }
  return tags;
}

/** A hash by name; `key` is for the error that says a field is missing or wrong. */
export class Fields {
  readonly #values = new Map<string, Buffer>();
  readonly #key: string;

  constructor(key: string, flat: Flat) {
    this.#key = key;
    for (let i = 0; i + 1 < flat.length; i += 2) {
      this.#values.set(String(flat[i]), flat[i + 1] as Buffer);
    }
  }

  get size(): number {
    return this.#values.size;
  }

  bytes(name: string): Buffer | undefined {
    return this.#values.get(name);
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.toString();
  }

  number(name: string, absent?: number): number {
    const text = this.text(name);
    const number = text === undefined ? absent : Number(text);
    if (number === undefined || !Number.isSafeInteger(number)) {
      throw new CorruptionError(
        { key: this.#key },
        `has no usable field ${name} (${text ?? 'absent'})`,
      );
    }
    return number;
  }

  optional(name: string): number | undefined {
    return this.#values.has(name) ? this.number(name) : undefined;
  }

  *entries(): Iterable<readonly [string, Buffer]> {
    yield* this.#values;
  }
}

/** All fields of a run's hash: those of its record, and below them those that scripts keep for each other. */
export const runFields = [
  'workflow',
  'codeVersion',
  'status',
  'fence',
  'worker',
  'seq',
  'firstSeq',
  'version',
  'snapshotSeq',
  'takeovers',
  'losses',
  'bytes',
  'wakeAt',
  'wroteVersion',
  'refused',
  'waits',
  'createToken',
  'heldBy',
  'paused',
  'progress',
  'progressMessage',
  'deadlineAt',
  'priority',
  'parent',
  'onEnd',
  'attachedTo',
  'key',
  'turn',
  'createdAt',
  'changedAt',
  'unmanaged',
  'notifyPending',
  'cancelPending',
  'woken',
  // Who may write, and what repeats.
  'owner',
  'token',
  'restoredBy',
  // How the run was lost, how far it had got, and what stands against it.
  'lostWorker',
  'lostReason',
  'lostAt',
  'detectMs',
  'claimMs',
  'claimSeq',
  'furthest',
  'proofs',
  // Which indexes it stands in, and when somebody looks at it.
  'waitsIn',
  'wants',
  'parkedBy',
  'pollMs',
  'expiresAt',
  // The cancel that waits in its inbox; the version of the newest kept snapshot.
  'cancelEntry',
  'cancelId',
  'checkpointVersion',
  // The newest chunk of its output, the last write of chunks, and the bytes of those that are kept.
  'chunks',
  'chunkToken',
  'chunkBytes',
  // The greatest turn that it was given: a lesser one is of no use.
  'lastTurn',
  // An older pawl wrote it; resume removes it.
  'runAttempts',
] as const;

/** `run`: the hash as it came, or as it was read already. */
export function toRecord(
  at: { key: string; id: string },
  run: Flat | Fields,
  payload: Flat,
): RunRecord {
  const fields = run instanceof Fields ? run : new Fields(at.key, run);
  const payloads = new Fields(at.key, payload);
  return {
    id: at.id,
    workflow: fields.text('workflow') ?? '',
    codeVersion: fields.number('codeVersion', 0),
    status: toStatus(at.key, fields.text('status')),
    fence: fields.number('fence'),
    worker: fields.text('worker'),
    seq: fields.number('seq'),
    firstSeq: fields.number('firstSeq', 1),
    version: fields.number('version', 0),
    snapshotSeq: fields.number('snapshotSeq', 0),
    input: payloads.bytes('input') ?? new Uint8Array(),
    output: payloads.bytes('output'),
    error: payloads.bytes('error'),
    tags: parseTags(payloads.text('tags') ?? ''),
    takeovers: fields.number('takeovers', 0),
    losses: fields.number('losses', 0),
    bytes: fields.number('bytes', 0),
    wakeAt: fields.optional('wakeAt'),
    ...toVersions(fields),
    waits: toWaits(at.key, fields),
    birth: fields.text('createToken') ?? '',
    paused: fields.text('paused') !== undefined,
    progress: toProgress(fields),
    deadlineAt: fields.optional('deadlineAt'),
    priority: fields.number('priority', 0),
    chunks: fields.number('chunks', 0),
    parent: fields.text('parent'),
    attachedTo: fields.text('attachedTo'),
    onEnd: fields.text('onEnd') !== undefined,
    key: fields.text('key'),
    turn: fields.optional('turn'),
    createdAt: fields.number('createdAt'),
    changedAt: fields.number('changedAt'),
  };
}

/** What an older pawl has stored says only who claimed the run last. */
function toVersions(fields: Fields): Pick<RunRecord, 'wroteVersion' | 'needsVersion'> {
  const wroteVersion = fields.number('wroteVersion', fields.number('codeVersion', 0));
  const needsVersion = fields.bytes('refused') === undefined ? undefined : wroteVersion;
  return { wroteVersion, needsVersion };
}

function toWaits(key: string, fields: Fields): readonly Wait[] {
  const text = fields.text('waits');
  if (text === undefined || fields.text('status') !== 'waiting') return [];
  try {
    return readWaits(JSON.parse(text));
  } catch (error) {
    throw new CorruptionError({ key }, 'has no usable field waits', error);
  }
}

/** What a run that was claimed waited for before; nothing where that cannot be read, for nothing depends on it. */
export function toWaitedFor(run: Fields): readonly Wait[] {
  const text = run.text('waits');
  if (text === undefined) return [];
  try {
    return readWaits(JSON.parse(text));
  } catch {
    return [];
  }
}

/** What a run waits for, as its hash keeps it: as JSON, the lines of the indexes, the lines of the messages it wants. */
export function waitArguments(waits: readonly Wait[]): readonly [string, string, string] {
  const kept = waits.slice(0, waitsKept);
  const asked = wantsQuestions(waits) ? [questionLine] : [];
  const wanted = [...wantedBy(waits), ...answerLines(waits), ...asked];
  return [JSON.stringify(kept), indexedBy(waits).join('\n'), wanted.join('\n')];
}

export function toRunSummary(
  at: { key: string; id: string },
  [run, payload]: readonly [Flat, Flat],
  hasOutput: boolean,
): RunSummary {
  return { ...toSummary(toRecord(at, run, payload)), hasOutput };
}

function toProgress(fields: Fields): RunProgress | undefined {
  const fraction = fields.text('progress');
  if (fraction === undefined) return undefined;
  return { fraction: Number(fraction), message: fields.text('progressMessage') ?? '' };
}

/** See `CreateParams.unmanaged`. */
export function isUnmanaged(run: Flat): boolean {
  return new Fields('', run).bytes('unmanaged') !== undefined;
}

/** What is noted of a run beside its record. */
export function toNotes(run: Flat): Pick<ExportedRun, 'notifyPending' | 'cancelPending' | 'woken'> {
  const fields = new Fields('', run);
  const has = (name: string): boolean => fields.bytes(name) !== undefined;
  return {
    notifyPending: has('notifyPending'),
    cancelPending: has('cancelPending'),
    woken: has('woken'),
  };
}

export function toStatus(key: string, status: string | undefined): RunStatus {
  if (status !== undefined && (runStatuses as readonly string[]).includes(status)) {
    return status as RunStatus;
  }
  throw new CorruptionError({ key }, `has an unknown status ${String(status)}`);
}

/** How a claimed run was lost by the owner before; undefined when it was not. */
export function toTakeover(run: Fields): Takeover | undefined {
  const from = run.text('lostWorker');
  const claimMs = run.optional('claimMs');
  if (from === undefined || claimMs === undefined) return undefined;
  return {
    from,
    reason: run.text('lostReason') as InterruptReason,
    detectMs: run.number('detectMs'),
    claimMs,
  };
}

const snapshotMeta = new Set(['version', 'seq', 'schema', 'at', 'count']);

export function toSnapshot(key: string, flat: Flat): Snapshot | undefined {
  const fields = new Fields(key, flat);
  if (fields.size === 0) return undefined;
  const held = toSnapshotFields(key, flat);
  checkCount(key, held.size, fields.optional('count'));
  return {
    version: fields.number('version'),
    seq: fields.number('seq'),
    schema: fields.number('schema'),
    at: fields.number('at'),
    fields: held,
  };
}

/** A field that somebody has taken away would be a default value later on, without a word. An older pawl counted nothing. */
export function checkCount(key: string, found: number, count: number | undefined): void {
  if (count === undefined || count === found) return;
  throw new CorruptionError({ key }, `has ${found} fields, and had ${count} when it was saved`);
}

/** What a snapshot holds beside what it says of itself. */
export function toSnapshotFields(key: string, flat: Flat): Map<string, Uint8Array> {
  const held = new Map<string, Uint8Array>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = String(flat[i]);
    if (name === 'packed') unpackFields(key, flat[i + 1] as Buffer, held);
    else if (!snapshotMeta.has(name)) held.set(name, flat[i + 1] as Buffer);
  }
  return held;
}

/** An entry of the stream of checkpoints: its id is `<version>-<n>`. */
export function toCheckpoint(key: string, [entryId, flat]: Entry): CheckpointRecord {
  const fields = new Fields(key, flat);
  const id = String(entryId);
  const [label, node, metadata] = [
    fields.text('label'),
    fields.text('node'),
    fields.bytes('metadata'),
  ];
  return {
    id,
    seq: fields.number('seq'),
    version: Number.parseInt(id, 10),
    schema: fields.number('schema'),
    at: fields.number('at'),
    bytes: fields.number('bytes'),
    ...(label ? { label } : {}),
    ...(node ? { node } : {}),
    ...(metadata !== undefined && metadata.length > 0 ? { metadata } : {}),
  };
}

/** A stream entry of an inbox. */
export function toMessage(key: string, [, flat]: Entry): Message {
  const fields = new Fields(key, flat);
  const about = (['key', 'wait', 'actor'] as const).flatMap((name) => {
    const text = fields.text(name);
    return text === undefined ? [] : [[name, text] as const];
  });
  return {
    id: fields.text('id') ?? '',
    kind: fields.text('kind') as MessageKind,
    name: fields.text('name') ?? '',
    data: fields.bytes('data') ?? new Uint8Array(),
    at: fields.number('at'),
    ...Object.fromEntries(about),
  };
}

/** A stream entry of the deletions. */
export function toDeletion(key: string, [entryId, flat]: Entry): DeletionRecord {
  const fields = new Fields(key, flat);
  const id = String(entryId);
  return {
    id,
    run: fields.text('id') ?? '',
    workflow: fields.text('workflow') ?? '',
    at: Number.parseInt(id, 10),
    data: fields.bytes('data') ?? new Uint8Array(),
  };
}

/** The fields of a worker's hash, as arguments of the beat script. */
export function formatWorker(info: WorkerInfo): string[] {
  return [
    'host',
    info.host,
    'pid',
    String(info.pid),
    'workflows',
    JSON.stringify(info.workflows),
    'concurrency',
    String(info.concurrency),
    'active',
    String(info.active),
    'loopLagMs',
    String(Math.round(info.loopLagMs)),
  ];
}

export function toWorker(
  at: { key: string; id: string },
  flat: Flat,
  presence: boolean,
): WorkerRecord {
  const fields = new Fields(at.key, flat);
  return {
    id: at.id,
    host: fields.text('host') ?? '',
    pid: fields.number('pid'),
    workflows: toWorkflows(at.key, fields.text('workflows') ?? '{}'),
    concurrency: fields.number('concurrency'),
    active: fields.number('active'),
    loopLagMs: fields.number('loopLagMs'),
    presence,
    draining: fields.text('draining') !== undefined,
    startedAt: fields.number('startedAt'),
    seenAt: fields.number('seenAt'),
    sessionEndsAt: fields.number('sessionEndsAt'),
  };
}

function toWorkflows(key: string, text: string): Record<string, number> {
  try {
    return JSON.parse(text) as Record<string, number>;
  } catch (error) {
    throw new CorruptionError({ key }, 'has no usable field workflows', error);
  }
}

/** ioredis turns a hash into an object; scripts return it flat. One shape is enough. */
export function flatten(hash: Record<string, Buffer>): Buffer[] {
  return Object.entries(hash).flatMap(([name, value]) => [Buffer.from(name), value]);
}
