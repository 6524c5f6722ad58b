/** What must be true of each run's log, and of the snapshot beside it. */
import type { StoredEvent } from '../../../src/core/event.ts';
import type { RunHistory } from './history.ts';
import type { Invariant, Problem } from './invariant.ts';

/** Looks at each run by itself; what it finds are sentences. */
function ofEachRun(find: (run: RunHistory) => readonly string[]): Invariant['check'] {
  return ({ runs }) =>
    runs.flatMap((run) => find(run).map((message): Problem => ({ run: run.id, message })));
}

const denseSeqs: Invariant = {
  name: 'dense seqs',
  sentence:
    'The events of a run have the seqs 1, 2, 3 … (or go on so from where a compacted log begins), and the record knows the last one.',
  check: ofEachRun(({ events, record }) => {
    const gap = events.findIndex(({ seq }, i) => seq !== record.firstSeq + i);
    const newest = events.at(-1)?.seq ?? 0;
    return [
      ...(gap === -1
        ? []
        : [`seq ${events[gap]?.seq} stands where ${record.firstSeq + gap} should`]),
      ...(newest === record.seq
        ? []
        : [`the log ends at ${newest}, the record says ${record.seq}`]),
    ];
  }),
};

/** Events that are written together with a new fence. */
function raisesFence(type: string): boolean {
  return type === 'run.claimed' || type === 'run.interrupted';
}

/** What operators do comes with a new fence, unless the owner writes it down for them. */
function mayRaiseFence(type: string): boolean {
  return type.startsWith('operator.') || type === 'run.cancelled';
}

const growingFences: Invariant = {
  name: 'growing fences',
  sentence: 'A claim and an interrupt raise the fence, and nothing else makes one up.',
  check: ofEachRun(({ events, record }) => {
    const found: string[] = [];
    // What came before a compacted log is known by its first event alone.
    const [oldest] = record.firstSeq > 1 ? events : [];
    let highest = oldest === undefined ? 0 : oldest.fence - (raisesFence(oldest.type) ? 1 : 0);
    for (const { seq, type, fence } of events) {
      if (raisesFence(type) && fence <= highest) {
        found.push(`${type} at seq ${seq} has fence ${fence}, not above ${highest}`);
      } else if (fence > highest && !raisesFence(type) && !mayRaiseFence(type)) {
        found.push(`${type} at seq ${seq} has fence ${fence}, which nobody was given`);
      }
      highest = Math.max(highest, fence);
    }
    const written = events.at(-1)?.fence ?? 0;
    if (record.fence !== written) {
      found.push(`the record's fence is ${record.fence}, that of the last event ${written}`);
    }
    return found;
  }),
};

const noStaleWriter: Invariant = {
  name: 'no stale writer',
  sentence: 'Once an event was written under a fence, none is written under a lower one.',
  check: ofEachRun(({ events }) => {
    let newest: StoredEvent | undefined;
    return events.flatMap((event) => {
      if (newest === undefined || event.fence >= newest.fence) {
        newest = event;
        return [];
      }
      return [
        `${event.type} at seq ${event.seq} was written under fence ${event.fence}, ` +
          `though fence ${newest.fence} had written seq ${newest.seq}`,
      ];
    });
  }),
};

const snapshotBehindLog: Invariant = {
  name: 'snapshot behind the log',
  sentence:
    'A snapshot holds events that are in the log or were compacted, no event behind it is missing, and the record knows which one it is.',
  check: ofEachRun(({ events, record, snapshot }) => {
    const newest = events.at(-1)?.seq ?? 0;
    const { seq, version } = snapshot ?? { seq: 0, version: 0 };
    return [
      ...(record.firstSeq <= seq + 1
        ? []
        : [`the log begins at ${record.firstSeq}, the snapshot is folded up to ${seq}`]),
      ...(seq <= newest ? [] : [`the snapshot is folded up to ${seq}, the log ends at ${newest}`]),
      ...(version === record.version && seq === record.snapshotSeq
        ? []
        : [
            `the snapshot is version ${version} at seq ${seq}, ` +
              `the record says version ${record.version} at seq ${record.snapshotSeq}`,
          ]),
    ];
  }),
};

const sameMemory: Invariant = {
  name: 'same memory',
  sentence: 'The snapshot and the events behind it fold to what all events fold to.',
  check: ofEachRun(({ recovered: { fromSnapshot, fromLog } }) => {
    if (typeof fromSnapshot === 'string')
      return [`the snapshot cannot be resumed: ${fromSnapshot}`];
    if (fromLog === undefined) return [];
    if (typeof fromLog === 'string') return [`the log cannot be folded: ${fromLog}`];
    const found: string[] = [];
    if (fromSnapshot.seq !== fromLog.seq) {
      found.push(`the snapshot leads to seq ${fromSnapshot.seq}, the log to ${fromLog.seq}`);
    }
    const names = new Set([...Object.keys(fromSnapshot.fields), ...Object.keys(fromLog.fields)]);
    for (const name of names) {
      const [one, other] = [fromSnapshot.fields[name], fromLog.fields[name]];
      if (one !== other) {
        found.push(`${name} is ${cut(one)} from the snapshot, ${cut(other)} from the log`);
      }
    }
    return found;
  }),
};

function cut(text = 'absent'): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

export const aboutLogs: readonly Invariant[] = [
  denseSeqs,
  growingFences,
  noStaleWriter,
  snapshotBehindLog,
  sameMemory,
];
