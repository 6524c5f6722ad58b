/** Takes a run. */
import { CorruptionError } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { ClaimOutcome, ClaimParams } from '../../core/store.ts';
import { type Entry, Fields, type Flat, toMessage, toTakeover, toWaitedFor } from '../fields.ts';
import type { ShardKeys } from '../keys.ts';
import { toLoaded } from '../loaded-run.ts';
import { statusOf, unknownReply } from '../replies.ts';
import { runKeys } from '../run-keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const claim: StoreScript<ShardKeys, ClaimParams, ClaimOutcome> = {
  script: toScript('claim', lua.claim),
  acknowledged: 'repeatable',
  keys: (shard, { run, worker }) => [...runKeys(shard, run), shard.held(worker), shard.inbox(run)],
  args: (
    shard,
    { run, worker, token, codeVersion, expectedFence, unmanaged, reclaim, anyVersion },
  ) => [
    run,
    worker,
    token,
    codeVersion,
    expectedFence ?? '',
    fixedLimits.eventsPerLoad,
    shard.base,
    unmanaged === true ? 1 : '',
    reclaim === true ? 1 : '',
    anyVersion === true ? 1 : '',
  ],
  decode: (shard, [outcome, ...rest], { run, token }) => {
    switch (String(outcome)) {
      case 'claimed': {
        // Read once: a record has some twenty fields.
        const fields = new Fields(shard.run(run), rest[0] as Flat);
        const loaded = toLoaded(shard, run, [fields, ...rest.slice(1)]);
        const inbox = shard.inbox(run);
        return {
          outcome: 'claimed',
          ownership: { run, fence: loaded.record.fence, owner: fields.text('owner') ?? token },
          takeover: toTakeover(fields),
          furthest: fields.number('furthest', 0),
          messages: (rest[4] as Entry[]).map((entry) => toMessage(inbox, entry)),
          waitedFor: toWaitedFor(fields),
          asked: rest[5] === 1,
          now: Number(rest[6]),
          ...loaded,
        };
      }
      case 'held':
        return { outcome: 'held', worker: String(rest[0]) };
      case 'stale':
        return { outcome: 'stale', fence: Number(rest[0]) };
      case 'newer':
        return { outcome: 'newer', codeVersion: Number(rest[0]) };
      case 'notClaimable':
        return { outcome: 'notClaimable', status: statusOf(shard, run, rest[0]) };
      case 'unadmitted': {
        const [needed, birth, begun, priority] = rest;
        const needs = { key: String(needed), birth: String(birth), begun: Number(begun) === 1 };
        return { outcome: 'unadmitted', needs: { ...needs, priority: Number(priority) } };
      }
      case 'missing':
        return { outcome: 'missing' };
      case 'damaged':
        throw new CorruptionError(
          { key: String(rest[0]) },
          `cannot be worked with (${String(rest[1])})`,
        );
      default:
        throw unknownReply(shard, run, outcome);
    }
  },
};
