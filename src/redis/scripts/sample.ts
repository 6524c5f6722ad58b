/** A run that is made up, as a claim answers. */
import type { ClaimedRun, SampleRun } from '../../core/store.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { unknownReply } from '../replies.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';
import { claim } from './claim.ts';

const fence = 1;
const owner = 'nobody';

export const sample: StoreScript<ShardKeys, SampleRun, ClaimedRun> = {
  script: toScript('sample', lua.sample),
  keys: (shard, { run }) => [shard.run(run)],
  args: (_, made) => {
    const record = recordOf(made);
    const snapshot = snapshotOf(made);
    const events = made.events.flatMap(({ seq, type, data }) => [
      `${seq}-${fence}`,
      type,
      toBuffer(data),
    ]);
    const sizes = [record.length, snapshot.length];
    return [...sizes, toBuffer(made.input), ...record, ...snapshot, ...events];
  },
  decode: (shard, reply, { run, worker }) => {
    const params = { run, worker, token: owner, codeVersion: 1 };
    const claimed = claim.decode(shard, reply, params);
    if (claimed.outcome === 'claimed') return claimed;
    throw unknownReply(shard, run, claimed.outcome);
  },
};

function recordOf({ worker, workflow, snapshot, events }: SampleRun): Argument[] {
  const fields = {
    workflow,
    codeVersion: 1,
    status: 'running',
    fence,
    owner,
    worker,
    seq: events.at(-1)?.seq ?? snapshot?.seq ?? 0,
    version: snapshot?.version ?? 0,
    snapshotSeq: snapshot?.seq ?? 0,
    createToken: owner,
    createdAt: 0,
    changedAt: 0,
    lostWorker: worker,
    lostReason: 'presence-lost',
    lostAt: 0,
    detectMs: 0,
    claimMs: 0,
  };
  return Object.entries(fields).flat();
}

function snapshotOf({ snapshot }: SampleRun): Argument[] {
  if (snapshot === undefined) return [];
  const { version, seq, schema, at, fields } = snapshot;
  const about: Argument[] = Object.entries({ version, seq, schema, at, count: fields.size }).flat();
  for (const [field, value] of fields) about.push(field, toBuffer(value));
  return about;
}
