/** Appends events, saves a snapshot, lets go of a run. */
import type { CommitOutcome, CommitParams, Parking, Release } from '../../core/store.ts';
import { type Argument, toBuffer } from '../arguments.ts';
import { blobLines } from '../blob-lines.ts';
import { toCommitOutcome } from '../commit-outcome.ts';
import { waitArguments } from '../fields.ts';
import type { ShardKeys } from '../keys.ts';
import { packFields } from '../packed-snapshot.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const commit: StoreScript<ShardKeys, CommitParams, CommitOutcome> = {
  script: toScript('commit', lua.commit),
  acknowledged: 'repeatable',
  keys: (shard, { run }) => [shard.run(run), shard.events(run), shard.snapshot(run)],
  args: commitArguments,
  decode: (shard, reply, { run }) => toCommitOutcome(shard, run, reply),
};

function commitArguments(shard: ShardKeys, params: CommitParams): Argument[] {
  const { events, snapshot, release, taken = [], blobs } = params;
  const full = snapshot?.full === true ? snapshot.set : undefined;
  const changes = full === undefined ? snapshot : undefined;
  const args: Argument[] = [
    params.run,
    params.fence,
    params.owner,
    params.token,
    params.expectedSeq,
    shard.base,
    events.length,
    snapshot?.schema ?? '',
    changes?.set.size ?? 0,
    changes?.remove.length ?? 0,
    ...releaseArguments(release),
    taken.length,
    snapshot?.checkpoints?.marks.length ?? 0,
    snapshot?.checkpoints?.bytes ?? '',
    full === undefined ? '' : packFields(full),
    howReleased(release),
    blobLines(blobs),
    ...taken,
  ];
  for (const event of events) args.push(event.type, toBuffer(event.data), event.branch ?? '');
  if (changes !== undefined) {
    for (const [field, bytes] of changes.set) args.push(field, toBuffer(bytes));
    args.push(...changes.remove);
  }
  for (const { label, node, metadata } of snapshot?.checkpoints?.marks ?? []) {
    args.push(label ?? '', node ?? '', metadata === undefined ? '' : toBuffer(metadata));
  }
  if (release?.status === 'waiting') args.push(...parkingArguments(release));
  return args;
}

/** ARGV 18 of the commit script. */
function howReleased(release: Release | undefined): Argument {
  if (release?.status === 'waiting') return release.why;
  return release !== undefined && 'cancelsChildren' in release && release.cancelsChildren
    ? 'cancelPending'
    : '';
}

function parkingArguments({ waits, pollMs, mayGoOn }: Parking): Argument[] {
  return [...waitArguments(waits), pollMs ?? '', mayGoOn === true ? 1 : ''];
}

/** ARGV 11–13 of the commit script: status, result, delay. */
function releaseArguments(release: Release | undefined): Argument[] {
  switch (release?.status) {
    case undefined:
      return ['', '', ''];
    case 'completed':
      return [release.status, toBuffer(release.output), release.keepMs];
    case 'failed':
    case 'cancelled':
      return [release.status, toBuffer(release.error), release.keepMs];
    case 'quarantined':
      return [release.status, toBuffer(release.error), ''];
    case 'queued':
      return [release.status, '', release.resendMs];
    case 'waiting':
      return [release.status, '', release.wakeMs ?? ''];
  }
}
