/**
 * Judges the log of one run against the recording it should hold. Knows nothing of how the run was
 * executed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ClaimedData, ResumedData, RunEvent } from 'pawl';
import type { Message } from './conversations.ts';

export interface LogFindings {
  /** Messages of the recording that are not in the log, or differ there. */
  readonly lost: number;
  /** Messages that are in the log more often than in the recording. */
  readonly doubled: number;
  /** Events written by somebody who did not own the run at that point. */
  readonly stale: number;
  /** Events whose seq is not the one after the event before. */
  readonly gaps: number;
  /** The log holds the messages of the recording, in its order, and no other. */
  readonly inOrder: boolean;
  readonly takeovers: readonly FoundTakeover[];
}

export interface FoundTakeover {
  /** The worker that was lost. */
  readonly from: string;
  readonly detectMs: number;
  readonly claimMs: number;
  /** Of the claim, milliseconds since 1970 on Redis' clock. */
  readonly claimedAt: number;
  /** 0 when the next owner died too before it could go on. */
  readonly replayMs: number;
}

type Indexed = Message & { readonly index: number };

export function checkLog(events: readonly RunEvent[], recorded: readonly Message[]): LogFindings {
  const found = events.filter(({ type }) => type === 'message').map(({ data }) => data as Indexed);
  const messages = found.map(({ type, data }) => ({ type, data }));
  const lost = recorded.filter(
    (message, i) =>
      !found.some(
        ({ index, type, data }) => index === i && isDeepStrictEqual({ type, data }, message),
      ),
  );
  return {
    lost: lost.length,
    doubled: found.length - new Set(found.map(({ index }) => index)).size,
    stale: staleWrites(events),
    gaps: events.filter(({ seq }, i) => seq !== i + 1).length,
    inOrder: isDeepStrictEqual(messages, recorded),
    takeovers: takeoversIn(events),
  };
}

/**
 * A claim and an interrupt raise the fence; everything after it must carry that fence until the
 * next one.
 */
function staleWrites(events: readonly RunEvent[]): number {
  let fence = 0;
  let stale = 0;
  for (const event of events) {
    const raises = event.type === 'run.claimed' || event.type === 'run.interrupted';
    if (raises ? event.fence <= fence : event.fence !== fence) stale += 1;
    if (raises) fence = Math.max(fence, event.fence);
  }
  return stale;
}

function takeoversIn(events: readonly RunEvent[]): FoundTakeover[] {
  const claims = events.flatMap((event, i) => (event.type === 'run.claimed' ? [i] : []));
  return claims.flatMap((start, n) => {
    const [claimed, ...later] = events.slice(start, claims[n + 1]);
    const takeover = (claimed?.data as ClaimedData | undefined)?.takeover;
    if (claimed === undefined || takeover === undefined) return [];
    const { from, detectMs, claimMs } = takeover;
    const resumed = later.find(({ type }) => type === 'run.resumed');
    const { replayMs = 0 } = (resumed?.data ?? {}) as Partial<ResumedData>;
    return [{ from, detectMs, claimMs, claimedAt: claimed.at.getTime(), replayMs }];
  });
}
