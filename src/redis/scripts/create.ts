/** Makes a run. */
import type { RunRecord } from '../../core/run.ts';
import type { CreateOutcome, CreateParams, FirstClaim } from '../../core/store.ts';
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
      ...claimArguments(params.claim),
    ];
    for (const [field, bytes] of snapshot?.set ?? []) args.push(field, toBuffer(bytes));
    return args;
  },
  decode: (shard, [outcome, run, payload], params) => {
    const { run: id } = params;
    const made = String(outcome);
    if (made === 'made') return { outcome: 'created', record: newRecord(params, Number(run)) };
    if (made === 'claimed') return claimed(params, { at: Number(run), fence: Number(payload) });
    if (made === 'unsure') return 'unsure';
    checkSwept(id, outcome);
    const record = toRecord({ key: shard.run(id), id }, run as Flat, payload as Flat);
    return { outcome: made === 'created' ? 'created' : 'exists', record };
  },
};

/** The record of a run that was made just now: what the script has written, without reading it. */
function newRecord(params: NewRun, at: number): RunRecord {
  const { snapshot, codeVersion = 0, deadlineMs, priority = 0 } = params;
  const version = snapshot === undefined ? 0 : 1;
  return {
    id: params.run,
    workflow: params.workflow,
    codeVersion: 0,
    status: 'queued',
    fence: 0,
    worker: undefined,
    seq: 1,
    firstSeq: 1,
    version,
    snapshotSeq: version,
    input: params.input,
    output: undefined,
    error: undefined,
    tags: { ...params.tags },
    takeovers: 0,
    losses: 0,
    bytes: params.data.length,
    wakeAt: undefined,
    wroteVersion: codeVersion,
    needsVersion: undefined,
    waits: [],
    birth: params.token,
    paused: false,
    progress: undefined,
    deadlineAt: deadlineMs === undefined ? undefined : at + deadlineMs,
    priority,
    chunks: 0,
    parent: params.parent,
    attachedTo: params.attachedTo,
    onEnd: params.onEnd === true,
    key: params.key,
    turn: undefined,
    createdAt: at,
    changedAt: at,
  };
}

/** ARGV 22–25 of the script. */
function claimArguments(first: FirstClaim | undefined): Argument[] {
  if (first === undefined) return ['', '', '', ''];
  return [first.worker, first.token, first.codeVersion, claimData(first)];
}

/** Payload of the event of the claim. */
function claimData({ worker, codeVersion }: FirstClaim): Buffer {
  return Buffer.from(JSON.stringify({ worker, codeVersion }));
}

/** A run that was made and claimed: what the script has written, without reading it. */
function claimed(
  params: NewRun,
  { at, fence }: { readonly at: number; readonly fence: number },
): Created {
  const made = newRecord(params, at);
  const { claim: first, run, data } = params;
  if (first === undefined) return { outcome: 'created', record: made };
  const claim = claimData(first);
  const record: RunRecord = {
    ...made,
    status: 'running',
    fence,
    seq: 2,
    worker: first.worker,
    codeVersion: first.codeVersion,
    wroteVersion: Math.max(made.wroteVersion, first.codeVersion),
    bytes: made.bytes + claim.length,
  };
  return {
    outcome: 'created',
    record,
    claimed: {
      outcome: 'claimed',
      ownership: { run, fence, owner: first.token },
      takeover: undefined,
      furthest: 0,
      messages: [],
      waitedFor: [],
      asked: false,
      now: at,
      record,
      snapshot: undefined,
      events: [
        { seq: 1, fence: 0, type: 'run.created', at, data },
        { seq: 2, fence, type: 'run.claimed', at, data: claim },
      ],
    },
  };
}
