/**
 * Whole runs out of and into Redis.
 *
 * Staged parts lie under keys of their own, `stage:<token>:…`, with the hash tag of the run's shard: so the last script can
 * give all of them their places by RENAME, in one step and in a time that does not depend on their size. Every one of
 * them has a time to live, renewed by each further part; what a crash leaves is dropped by Redis itself, and stands in
 * nobody's way until then, because the import that is begun anew has another token.
 */
import type { Snapshot } from '../core/store.ts';
import {
  restoredDue,
  restoredLookMs,
  type RestoreOutcome,
  type RestoreParams,
  stagedMs,
  type StageParams,
  type Transfer,
  type WholeRun,
} from '../core/transfer.ts';
import { type Argument, type Reply, toBuffer } from './arguments.ts';
import {
  type Entry,
  type Flat,
  formatTags,
  isLoose,
  toMessage,
  toNotes,
  waitArguments,
} from './fields.ts';
import { toLoaded } from './outcomes.ts';
import type { ShardKeys } from './keys.ts';
import type { MemoryGuard } from './memory-guard.ts';
import type { RedisParts } from './parts.ts';
import { agreed } from './shards.ts';

export interface RedisTransferParts extends RedisParts {
  readonly memory: MemoryGuard;
}

export class RedisTransfer implements Transfer {
  readonly #parts: RedisTransferParts;

  constructor(parts: RedisTransferParts) {
    this.#parts = parts;
  }

  async whole(run: string): Promise<WholeRun | undefined> {
    const { scripts, guard, keys } = this.#parts;
    const shard = keys.of(run);
    const [outcome, fields, payload, snapshot, messages, seen] = await guard(() =>
      scripts.whole([
        ...[shard.run(run), shard.payload(run), shard.snapshot(run)],
        ...[shard.inbox(run), shard.seen(run)],
      ]),
    );
    if (String(outcome) === 'missing') return undefined;
    const loaded = toLoaded({ run, shard }, [fields, payload, snapshot, []]);
    const inbox = shard.inbox(run);
    return {
      ...{ record: loaded.record, snapshot: loaded.snapshot },
      loose: isLoose(fields as Flat),
      ...toNotes(fields as Flat),
      messages: (messages as Entry[]).map((entry) => toMessage(inbox, entry)),
      seen: (seen as Buffer[]).map(String),
    };
  }

  async stage(params: StageParams): Promise<void> {
    const { scripts, guard, keys, memory } = this.#parts;
    const { run, token, events = [], saves = [], messages = [], seen = [] } = params;
    const shard = keys.of(run);
    const args: Argument[] = stagedKeys(shard, run, token);
    args.push(stagedMs, events.length, saves.length, messages.length, seen.length);
    for (const { seq, fence, type, at, data, lane, more } of events) {
      args.push(seq, fence, type, at, toBuffer(data), lane ?? '', more === true ? 1 : '');
    }
    for (const { checkpoint, set, remove } of saves) {
      const { id = '', seq = '', schema = '', at = '', bytes = '' } = checkpoint ?? {};
      const { label = '', node = '', metadata } = checkpoint ?? {};
      args.push(id, seq, schema, at, bytes, label, node);
      args.push(metadata === undefined ? '' : toBuffer(metadata), set.size, remove.length);
      for (const [field, value] of set) args.push(field, toBuffer(value));
      args.push(...remove);
    }
    for (const { place, id, kind, name, at, data } of messages) {
      args.push(place, id, kind, name, at, toBuffer(data));
    }
    args.push(...seen);
    await guard(async () => {
      await memory.refuseNewRun(shard.run(run));
      await scripts.stage(args);
    });
  }

  async restore(params: RestoreParams): Promise<RestoreOutcome> {
    const { connection, scripts, guard, keys } = this.#parts;
    const { record, token, snapshot, loose, untold, owes, staged, keepMs } = params;
    const { id, workflow, status, createdAt, changedAt, tags } = record;
    const shard = keys.of(id);
    const due = restoredDue(params);
    const [, indexes] = waitArguments(record.waits);
    const fields = recordFields(params);
    const args = (sure: boolean): Argument[] => [
      ...[shard.run(id), shard.payload(id), shard.due],
      ...[shard.events(id), shard.snapshot(id), shard.inbox(id), shard.seen(id)],
      ...[shard.checkpoints(id), shard.kept(id), ...stagedKeys(shard, id, token)],
      ...[id, token, shard.base, workflow, status, createdAt, changedAt, formatTags(tags)],
      ...[due.at ?? ''],
      ...[due.afterMs ?? ''],
      ...[
        untold || owes ? keepMs : '',
        loose ? 1 : '',
        staged.events,
        staged.checkpoints,
        staged.messages,
      ],
      ...[...snapshotArguments(snapshot), keys.shards.length, sure ? 1 : ''],
      ...[status === 'waiting' ? indexes : '', fields.length / 2, ...fields],
      ...payloadFields(record),
    ];
    const make = (sure: boolean): Promise<Reply> => scripts.restore(args(sure));
    const [outcome] = await guard(() => agreed(connection, keys, make));
    return { outcome: String(outcome) as RestoreOutcome['outcome'] };
  }

  async discard({ run, token }: { readonly run: string; readonly token: string }): Promise<void> {
    const { connection, guard, keys } = this.#parts;
    await guard(() => connection.unlink(...stagedKeys(keys.of(run), run, token)));
  }
}

function stagedKeys(shard: ShardKeys, run: string, token: string): string[] {
  return ['events', 'snapshot', 'inbox', 'seen', 'checkpoints', 'kept'].map((part) =>
    shard.staged(token, part, run),
  );
}

function snapshotArguments(snapshot: Omit<Snapshot, 'fields'> | undefined): Argument[] {
  if (snapshot === undefined) return ['', '', '', ''];
  return [snapshot.version, snapshot.seq, snapshot.schema, snapshot.at];
}

function payloadFields(record: RestoreParams['record']): Argument[] {
  const fields: Argument[] = ['input', toBuffer(record.input)];
  for (const name of ['output', 'error'] as const) {
    const bytes = record[name];
    if (bytes !== undefined) fields.push(name, toBuffer(bytes));
  }
  return fields;
}

/** The fields of a run's hash. What says nothing is left out, as the other scripts do. */
function recordFields({ record, untold, owes, woken, staged }: RestoreParams): Argument[] {
  const { fence, seq, bytes, codeVersion, progress, status, waits } = record;
  const fields: Argument[] = ['fence', fence, 'seq', seq, 'bytes', bytes];
  fields.push('createToken', record.birth);
  const counts = ['version', 'snapshotSeq', 'takeovers', 'deaths', 'priority'] as const;
  for (const name of [...counts, 'wroteVersion'] as const) {
    if (record[name] !== 0) fields.push(name, record[name]);
  }
  for (const name of ['parent', 'wakeAt', 'deadlineAt'] as const) {
    const value = record[name];
    if (value !== undefined) fields.push(name, value);
  }
  // A run without a code version was never claimed, which is what cancel asks.
  if (codeVersion > 0) fields.push('codeVersion', codeVersion);
  if (record.firstSeq > 1) fields.push('firstSeq', record.firstSeq);
  if (record.paused) fields.push('paused', '1');
  if (untold) fields.push('untold', '1');
  if (owes) fields.push('owes', '1');
  if (staged.cancel !== undefined) fields.push('cancelEntry', `${staged.cancel}-0`);
  if (status === 'waiting') {
    const [json, indexes, wanted] = waitArguments(waits);
    fields.push('waits', json, 'waitsIn', indexes, 'wants', wanted);
    if (woken) fields.push('woken', record.changedAt);
    const lookMs = restoredLookMs(record);
    if (lookMs !== undefined) fields.push('lookMs', lookMs);
  }
  if (progress !== undefined) {
    fields.push('progress', progress.fraction, 'progressMessage', progress.message);
  }
  return fields;
}
