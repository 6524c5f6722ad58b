/** Gives the staged parts of a run their places. */
import {
  restoredDue,
  restoredPollMs,
  type RestoreOutcome,
  type RestoreParams,
} from '../../core/transfer.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import { formatTags, waitArguments } from '../fields.ts';
import type { ShardKeys } from '../keys.ts';
import { stagedKeys } from '../staged-keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

/** `shards` and `sure`: as of a run that is made, see `create.ts`. */
type Restored = RestoreParams & { readonly shards: number; readonly sure: boolean };

export const restore: StoreScript<ShardKeys, Restored, RestoreOutcome | 'unsure'> = {
  script: toScript('restore', lua.restore),
  acknowledged: 'repeatable',
  keys: (shard, { record: { id }, token }) => [
    shard.run(id),
    shard.payload(id),
    shard.due,
    shard.events(id),
    shard.snapshot(id),
    shard.inbox(id),
    shard.seen(id),
    shard.checkpoints(id),
    shard.preserved(id),
    ...stagedKeys(shard, id, token),
  ],
  args: (shard, params) => {
    const { record, token, snapshot, unmanaged, notifyPending, cancelPending, staged, keepMs } =
      params;
    const { id, workflow, status, createdAt, changedAt, tags } = record;
    const due = restoredDue(params);
    const [, indexes] = waitArguments(record.waits);
    const fields = recordFields(params);
    return [
      id,
      token,
      shard.base,
      workflow,
      status,
      createdAt,
      changedAt,
      formatTags(tags),
      due.at ?? '',
      due.afterMs ?? '',
      notifyPending || cancelPending ? keepMs : '',
      unmanaged ? 1 : '',
      staged.events,
      staged.checkpoints,
      staged.messages,
      ...snapshotArguments(snapshot),
      params.shards,
      params.sure ? 1 : '',
      status === 'waiting' ? indexes : '',
      record.key ?? '',
      fields.length / 2,
      ...fields,
      ...payloadFields(record),
    ];
  },
  decode: (_, [outcome]) => {
    const word = String(outcome);
    return word === 'unsure' ? word : { outcome: word as RestoreOutcome['outcome'] };
  },
};

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
function recordFields({
  record,
  notifyPending,
  cancelPending,
  woken,
  staged,
}: RestoreParams): Argument[] {
  const { fence, seq, bytes, codeVersion, progress, status, waits } = record;
  const fields: Argument[] = ['fence', fence, 'seq', seq, 'bytes', bytes];
  fields.push('createToken', record.birth);
  const counts = ['version', 'snapshotSeq', 'takeovers', 'losses', 'priority', 'chunks'] as const;
  for (const name of [...counts, 'wroteVersion'] as const) {
    if (record[name] !== 0) fields.push(name, record[name]);
  }
  for (const name of ['parent', 'key', 'wakeAt', 'deadlineAt'] as const) {
    const value = record[name];
    if (value !== undefined) fields.push(name, value);
  }
  // A run without a code version was never claimed, which is what cancel asks.
  if (codeVersion > 0) fields.push('codeVersion', codeVersion);
  if (record.firstSeq > 1) fields.push('firstSeq', record.firstSeq);
  if (record.onEnd) fields.push('onEnd', '1');
  if (record.paused) fields.push('paused', '1');
  if (notifyPending) fields.push('notifyPending', '1');
  if (cancelPending) fields.push('cancelPending', '1');
  if (staged.cancel !== undefined) fields.push('cancelEntry', `${staged.cancel}-0`);
  if (status === 'waiting') {
    const [json, indexes, wanted] = waitArguments(waits);
    fields.push('waits', json, 'waitsIn', indexes, 'wants', wanted);
    if (woken) fields.push('woken', record.changedAt);
    const pollMs = restoredPollMs(record);
    if (pollMs !== undefined) fields.push('pollMs', pollMs);
  }
  if (progress !== undefined) {
    fields.push('progress', progress.fraction, 'progressMessage', progress.message);
  }
  return fields;
}
