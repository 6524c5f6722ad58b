/** Makes a run. */
import type { CreateOutcome, CreateParams } from '../../core/store.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import { blobLines, checkSwept } from '../blob-lines.ts';
import { type Flat, formatTags, toRecord } from '../fields.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export interface NewRun extends CreateParams {
  /** How many shards this process thinks that the prefix has, and whether that was just seen. */
  readonly shards: number;
  readonly sure: boolean;
}

/** `unsure`: nothing was written, because nothing in the shard says how many shards there are. */
type Created = CreateOutcome | 'unsure';

export const create: StoreScript<ShardKeys, NewRun, Created> = {
  script: toScript('create', lua.create),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [
    shard.run(run),
    shard.payload(run),
    shard.events(run),
    shard.due,
    shard.snapshot(run),
  ],
  args: (shard, params) => {
    const { run, snapshot, shards, sure } = params;
    const args: Argument[] = [
      run,
      params.token,
      params.workflow,
      toBuffer(params.input),
      formatTags(params.tags),
      toBuffer(params.data),
      params.resendMs,
      shard.base,
      params.parent ?? '',
      params.delayMs ?? 0,
      params.priority ?? 0,
      params.deadlineMs ?? '',
      params.unmanaged === true ? 1 : '',
      snapshot?.schema ?? '',
      params.codeVersion ?? 0,
      shards,
      sure ? 1 : '',
      params.onEnd === true ? 1 : '',
      params.attachedTo ?? '',
      params.key ?? '',
      blobLines(params.blobs),
    ];
    for (const [field, bytes] of snapshot?.set ?? []) args.push(field, toBuffer(bytes));
    return args;
  },
  decode: (shard, [outcome, run, payload], { run: id }) => {
    if (String(outcome) === 'unsure') return 'unsure';
    checkSwept(id, outcome);
    const record = toRecord({ key: shard.run(id), id }, run as Flat, payload as Flat);
    return { outcome: String(outcome) === 'created' ? 'created' : 'exists', record };
  },
};
