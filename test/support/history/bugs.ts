/**
 * Ways to spoil a sound history, each the trace that one bug would leave. The judge must find every one of them: that is
 * how it is known to look.
 */
import { isEnded } from '../../../src/core/run.ts';
import { encodeRecord } from '../../../src/engine/payloads.ts';
import { type Bug, inEvent, inIndexes, inRun } from './doctor.ts';
import type { History, Place, RunHistory } from './history.ts';

type Named = Readonly<Record<string, readonly Place[]>>;

/** Takes one run out of one of the indexes of a kind. */
function drop(kind: 'byStatus' | 'byWorkflow' | 'byTag' | 'byParent' | 'byWait'): Bug['plant'] {
  return inIndexes((indexes, pick) => {
    const all: Named = indexes[kind];
    const name = pick(Object.keys(all));
    const place = pick(all[name ?? ''] ?? []);
    if (name === undefined || place === undefined) return undefined;
    return { [kind]: { ...all, [name]: all[name]?.filter((other) => other !== place) } };
  });
}

const isReady = ({ record }: RunHistory): boolean =>
  (record.status === 'queued' || record.status === 'interrupted') && !record.paused;

function withDue(
  fits: (run: RunHistory, history: History) => boolean,
  spoil: (due: readonly Place[], run: string, history: History) => readonly Place[],
): Bug['plant'] {
  return inIndexes(({ due }, pick, history) => {
    const run = pick(history.runs.filter((one) => fits(one, history)));
    return run && { due: spoil(due, run.id, history) };
  });
}

const without = (due: readonly Place[], run: string): Place[] =>
  due.filter((place) => place.run !== run);

const ofLogs: readonly Bug[] = [
  {
    name: 'an acknowledged event is lost, and its seq given again to nobody',
    finds: 'dense seqs',
    plant: inEvent(
      (_, before) => before.length > 0,
      () => undefined,
    ),
  },
  {
    name: 'the record knows of an event that was never written',
    finds: 'dense seqs',
    plant: inRun((run) => ({ ...run, record: { ...run.record, seq: run.record.seq + 1 } })),
  },
  {
    name: 'a claim does not raise the fence',
    finds: 'growing fences',
    plant: inEvent(
      ({ type }) => type === 'run.claimed' || type === 'run.interrupted',
      (event, before) => ({ ...event, fence: Math.max(...before.map(({ fence }) => fence)) }),
    ),
  },
  {
    name: 'a fence is made up',
    finds: 'growing fences',
    plant: inEvent(
      ({ type }) => type === 'added',
      (event) => ({ ...event, fence: event.fence + 1 }),
    ),
  },
  {
    name: 'the record forgets the fence',
    finds: 'growing fences',
    plant: inRun((run) =>
      run.record.fence === 0 ? undefined : { ...run, record: { ...run.record, fence: 0 } },
    ),
  },
  {
    name: 'a zombie writes',
    finds: 'no stale writer',
    plant: inEvent(
      ({ fence }, before) => before.some((event) => event.fence < fence && event.seq > 1),
      (event, before) => {
        const older = before.map(({ fence }) => fence).filter((fence) => fence < event.fence);
        const highest = Math.max(...before.map(({ fence }) => fence));
        // Under the newest fence that is stale by then.
        return { ...event, fence: Math.max(...older.filter((fence) => fence < highest), 0) };
      },
    ),
  },
  {
    name: 'a snapshot is ahead of the log',
    finds: 'snapshot behind the log',
    plant: inRun((run) => {
      if (run.snapshot === undefined) return undefined;
      const seq = run.events.length + 1;
      const record = { ...run.record, snapshotSeq: seq };
      return { ...run, record, snapshot: { ...run.snapshot, seq } };
    }),
  },
  {
    name: 'a compaction drops more than the snapshot covers',
    finds: 'snapshot behind the log',
    plant: inRun((run) => {
      const firstSeq = (run.snapshot?.seq ?? 0) + 2;
      if (run.record.seq < firstSeq) return undefined;
      const events = run.events.filter(({ seq }) => seq >= firstSeq);
      return { ...run, events, record: { ...run.record, firstSeq } };
    }),
  },
  {
    name: 'a compaction drops events and does not say so',
    finds: 'dense seqs',
    plant: inRun((run) =>
      run.events.length < 2 ? undefined : { ...run, events: run.events.slice(1) },
    ),
  },
  {
    name: 'the record knows another snapshot',
    finds: 'snapshot behind the log',
    plant: inRun((run) => {
      const { version } = run.record;
      return { ...run, record: { ...run.record, version: version + 1 } };
    }),
  },
  {
    name: 'a snapshot lacks a field',
    finds: 'same memory',
    plant: inRun((run, pick) => {
      const fields = new Map(run.snapshot?.fields);
      const gone = pick([...fields.keys()].filter((field) => field.startsWith('step:')));
      if (run.snapshot === undefined || gone === undefined) return undefined;
      fields.delete(gone);
      return { ...run, snapshot: { ...run.snapshot, fields } };
    }),
  },
  {
    name: 'what was inside of a completed step stays in the snapshot',
    finds: 'same memory',
    plant: inRun((run) => {
      if (run.snapshot === undefined) return undefined;
      const inner = { status: 'completed', result: encodeRecord(1) };
      const fields = new Map(run.snapshot.fields);
      fields.set('step:outer 0 › inner', encodeRecord(inner));
      return { ...run, snapshot: { ...run.snapshot, fields } };
    }),
  },
  {
    name: 'a state in a snapshot is not that of its events',
    finds: 'same memory',
    plant: inRun((run) => {
      if (run.snapshot === undefined) return undefined;
      const fields = new Map([...run.snapshot.fields, ['state:sum', encodeRecord(-1)]]);
      return { ...run, snapshot: { ...run.snapshot, fields } };
    }),
  },
  {
    name: 'an event cannot be read',
    finds: 'same memory',
    plant: inEvent(
      ({ type }) => type === 'run.created',
      (event) => ({ ...event, data: new Uint8Array([7]) }),
    ),
  },
];

const ofReports: readonly Bug[] = [
  {
    name: 'the last event of a run is lost with everything that knew of it',
    finds: 'acknowledged is stored',
    plant: inRun((run) => {
      const events = run.events.slice(0, -1);
      const { type } = run.events.at(-1) ?? {};
      if (type === 'run.interrupted' || type === 'operator.paused') return undefined;
      return { ...run, events, record: { ...run.record, seq: events.length } };
    }),
  },
  {
    name: 'an event has other content',
    finds: 'acknowledged is stored',
    plant: inEvent(
      ({ type }) => type === 'added',
      (event) => ({ ...event, data: encodeRecord({ n: 1000, step: 'other' }) }),
    ),
  },
  {
    name: 'a run is gone',
    finds: 'acknowledged is stored',
    plant: (history) => ({ ...history, runs: history.runs.slice(1) }),
  },
  {
    name: 'two acknowledged events were stored in another order',
    finds: 'order as acknowledged',
    plant: (history, pick) => {
      const { told } = history;
      const places = told.flatMap((event, i) => {
        const next = told[i + 1];
        return next?.run === event.run && next.fence === event.fence && next.by === event.by
          ? [i]
          : [];
      });
      const at = pick(places);
      const [one, other] = at === undefined ? [] : told.slice(at, at + 2);
      if (one === undefined || other === undefined || at === undefined) return undefined;
      return { ...history, told: [...told.slice(0, at), other, one, ...told.slice(at + 2)] };
    },
  },
  {
    name: 'a body is run twice by one owner',
    finds: 'finished once',
    plant: (history, pick) => {
      const body = pick(history.bodies.filter(({ outcome }) => outcome === 'done'));
      return body && { ...history, bodies: [...history.bodies, body] };
    },
  },
  {
    name: 'a finished step is run again after a take-over',
    finds: 'stored steps rest',
    plant: (history, pick) => {
      const body = pick(history.bodies.filter(({ outcome }) => outcome === 'done'));
      if (body === undefined) return undefined;
      const again = { ...body, fence: body.fence + 1, outcome: 'begun' as const };
      return { ...history, bodies: [...history.bodies, again] };
    },
  },
  {
    name: 'a step is stored twice',
    finds: 'stored steps rest',
    plant: inRun((run, pick) => {
      const event = pick(run.events.filter(({ type }) => type === 'step.completed'));
      const last = run.events.at(-1);
      if (event === undefined || last === undefined) return undefined;
      const again = { ...event, seq: last.seq + 1, fence: last.fence };
      const record = { ...run.record, seq: again.seq };
      return { ...run, events: [...run.events, again], record };
    }),
  },
];

const ofIndexes: readonly Bug[] = [
  ...(['byStatus', 'byWorkflow', 'byTag', 'byParent', 'byWait'] as const).map((kind): Bug => {
    return { name: `a run is missing ${kind}`, finds: 'indexes follow records', plant: drop(kind) };
  }),
  {
    name: 'a run is not listed at all',
    finds: 'indexes follow records',
    plant: inIndexes(({ runs }) => ({ runs: runs.slice(1) })),
  },
  {
    name: 'a run keeps its old status in the index',
    finds: 'indexes follow records',
    plant: inRun((run) => {
      const status = run.record.status === 'failed' ? 'cancelled' : 'failed';
      return { ...run, record: { ...run.record, status } };
    }),
  },
  {
    name: 'a run stands in the index at an old time',
    finds: 'indexes follow records',
    plant: inRun((run) => {
      return { ...run, record: { ...run.record, createdAt: run.record.createdAt + 1 } };
    }),
  },
  {
    name: 'a deleted run stays in an index',
    finds: 'indexes follow records',
    plant: inIndexes(({ byTag }) => ({ byTag: { ...byTag, 'of=x': [{ run: 'x', score: 1 }] } })),
  },
  {
    name: 'a worker is not known to hold its run',
    finds: 'indexes follow records',
    plant: inIndexes(({ held }) => (Object.keys(held).length === 0 ? undefined : { held: {} })),
  },
  {
    name: 'a worker holds a run that it has let go of',
    finds: 'indexes follow records',
    plant: inIndexes(({ held }, pick, { runs }) => {
      const run = pick(runs.filter(({ record }) => record.status !== 'running'));
      return run && { held: { ...held, [`worker of ${run.id}`]: [run.id] } };
    }),
  },
  {
    name: 'a worker that holds runs is not among the holders',
    finds: 'indexes follow records',
    plant: inIndexes(({ held }) => (Object.keys(held).length === 0 ? undefined : { holders: [] })),
  },
  {
    name: 'a run sleeps over a message',
    finds: 'indexes follow records',
    plant: inRun((run) =>
      run.record.status === 'waiting' && run.inbox.length > 0
        ? { ...run, woken: false }
        : undefined,
    ),
  },
];

const ofWakeUps: readonly Bug[] = [
  {
    name: 'a run that is ready is not due',
    finds: 'no wake-up lost',
    plant: withDue(isReady, without),
  },
  {
    name: 'a sleeping run is not due',
    finds: 'no wake-up lost',
    plant: withDue(({ record }) => record.wakeAt !== undefined && !record.paused, without),
  },
  {
    name: 'a waiting run has a message and is not due',
    finds: 'no wake-up lost',
    plant: withDue(
      ({ record, inbox }) => record.status === 'waiting' && inbox.length > 0 && !record.paused,
      without,
    ),
  },
  {
    name: 'a sleeping run is due an hour too late',
    finds: 'no wake-up lost',
    plant: withDue(
      ({ record, inbox }) => record.wakeAt !== undefined && inbox.length === 0 && !record.paused,
      (due, run) =>
        due.map((place) => (place.run === run ? { run, score: place.score + 3_600_000 } : place)),
    ),
  },
  {
    name: 'a run that is ready is put off for a day',
    finds: 'no wake-up lost',
    plant: withDue(isReady, (due, run, { at }) => [
      ...without(due, run),
      { run, score: at + 86_400_000 },
    ]),
  },
  {
    name: 'a run at work, or paused, is due',
    finds: 'no wake-up lost',
    plant: withDue(
      ({ record }) => record.status === 'running' || (record.paused && !isEnded(record.status)),
      (due, run, { at }) => [...due, { run, score: at }],
    ),
  },
  {
    name: 'a run that ended is kept for ever',
    finds: 'no wake-up lost',
    plant: withDue(({ record }) => isEnded(record.status), without),
  },
  {
    name: 'a deleted run is due',
    finds: 'no wake-up lost',
    plant: inIndexes(({ due }, _, { at }) => ({ due: [...due, { run: 'x', score: at }] })),
  },
  {
    name: 'a run never ends',
    finds: 'all ended',
    options: { settled: true },
    plant: (history) =>
      history.runs.every(({ record }) => isEnded(record.status)) ? undefined : history,
  },
];

export const bugs: readonly Bug[] = [...ofLogs, ...ofReports, ...ofIndexes, ...ofWakeUps];
