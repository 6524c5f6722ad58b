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

/** The place in ARGV of the commit script where its lists begin. */
const firstOfLists = 12;

function commitArguments(shard: ShardKeys, params: CommitParams): Argument[] {
  const { run, fence, owner, token, expectedSeq, events, snapshot } = params;
  const changes = snapshot?.full === true ? undefined : snapshot;
  const set = changes?.set.size ?? 0;
  const remove = changes?.remove.length ?? 0;
  // A save of what has changed, and nothing else, needs none of the rest: each argument costs both sides.
  const rest = hasRest(params) ? firstOfLists + 3 * events.length + 2 * set + remove : '';
  const args: Argument[] = [run, fence, owner, token, expectedSeq, shard.base];
  args.push(events.length, snapshot?.schema ?? '', set, remove, rest);
  for (const event of events) args.push(event.type, toBuffer(event.data), event.branch ?? '');
  if (changes !== undefined) {
    for (const [field, bytes] of changes.set) args.push(field, toBuffer(bytes));
    for (const field of changes.remove) args.push(field);
  }
  if (rest !== '') pushRest(args, params);
  return args;
}

function hasRest({ snapshot, release, taken, blobs }: CommitParams): boolean {
  const isMore = release !== undefined || taken !== undefined || blobs !== undefined;
  return isMore || snapshot?.full === true || snapshot?.checkpoints !== undefined;
}

/** What stands behind the lists. */
function pushRest(args: Argument[], { snapshot, release, taken = [], blobs }: CommitParams): void {
  const marks = snapshot?.checkpoints?.marks ?? [];
  args.push(
    ...releaseArguments(release),
    taken.length,
    marks.length,
    snapshot?.checkpoints?.bytes ?? '',
    snapshot?.full === true ? packFields(snapshot.set) : '',
    howReleased(release),
    blobLines(blobs),
    ...taken,
  );
  for (const { label, node, metadata } of marks) {
    args.push(label ?? '', node ?? '', metadata === undefined ? '' : toBuffer(metadata));
  }
  if (release?.status === 'waiting') args.push(...parkingArguments(release));
}

/** How of the commit script. */
function howReleased(release: Release | undefined): Argument {
  if (release?.status === 'waiting') return release.why;
  return release !== undefined && 'cancelsChildren' in release && release.cancelsChildren
    ? 'cancelPending'
    : '';
}

function parkingArguments({ waits, pollMs, mayGoOn }: Parking): Argument[] {
  return [...waitArguments(waits), pollMs ?? '', mayGoOn === true ? 1 : ''];
}

/** Status, result and delay of the commit script. */
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
