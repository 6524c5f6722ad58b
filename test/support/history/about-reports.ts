/** What must be true of what processes reported, held against the logs. */
import { decode } from '../../../src/core/codec.ts';
import type { RewoundData, StepCompletedData, StoredEvent } from '../../../src/core/event.ts';
import {
  type BodyRun,
  digestOf,
  type History,
  type RunHistory,
  type ToldEvent,
} from './history.ts';
import type { Invariant, JudgeOptions, Problem } from './invariant.ts';

const acknowledgedIsStored: Invariant = {
  name: 'acknowledged is stored',
  sentence: 'An event that somebody was told is stored is in the log, as it was.',
  check: (history, options) => {
    const logs = logsOf(history);
    const begins = new Map(history.runs.map(({ id, record }) => [id, record.firstSeq] as const));
    return heldTo(history, options).flatMap((told) => {
      // What was compacted is in the snapshot.
      if (told.seq < (begins.get(told.run) ?? 1)) return [];
      const problem = problemOf(told, logs.get(told.run));
      return problem === undefined ? [] : [{ run: told.run, message: problem }];
    });
  },
};

type Log = ReadonlyMap<number, StoredEvent>;

function logsOf({ runs }: History): ReadonlyMap<string, Log> {
  return new Map(
    runs.map(({ id, events }) => [id, new Map(events.map((event) => [event.seq, event]))] as const),
  );
}

function problemOf(told: ToldEvent, log: Log | undefined): string | undefined {
  const what = `${told.type} at seq ${told.seq} under fence ${told.fence}`;
  if (log === undefined) return `${what} was acknowledged, and the run is gone`;
  const stored = log.get(told.seq);
  if (stored === undefined) return `${what} was acknowledged and is not in the log`;
  if (stored.type !== told.type || stored.fence !== told.fence) {
    return `${what} was acknowledged; there is ${stored.type} under fence ${stored.fence}`;
  }
  return digestOf(stored.data) === told.digest ? undefined : `${what} has other content by now`;
}

/**
 * The acknowledged events that a loss which the log owns up to excuses: those of a run that holds a `run.rewound`, written
 * under its fence or an older one, behind the seq at which the log was found. What was acknowledged under a later fence is
 * not excused, nor is what lies before the rewind, nor the run itself.
 */
export function excused(history: History): ReadonlySet<ToldEvent> {
  const rewinds = new Map(history.runs.map((run) => [run.id, rewindsOf(run)] as const));
  const logs = logsOf(history);
  const lost = history.told.filter((told) => {
    const isCovered = rewinds
      .get(told.run)
      ?.some(({ fence, foundSeq }) => told.fence <= fence && told.seq > foundSeq);
    return isCovered === true && problemOf(told, logs.get(told.run)) !== undefined;
  });
  return new Set(lost);
}

function rewindsOf({ events }: RunHistory): { fence: number; foundSeq: number }[] {
  return events
    .filter(({ type }) => type === 'run.rewound')
    .map(({ fence, data, seq }) => {
      const { foundSeq } = decode(data, { key: 'run.rewound', seq }) as RewoundData;
      return { fence, foundSeq };
    });
}

/** What the store is held to. */
function heldTo(history: History, { allowRewinds = false }: JudgeOptions): readonly ToldEvent[] {
  if (!allowRewinds) return history.told;
  const lost = excused(history);
  return history.told.filter((told) => !lost.has(told));
}

const orderAsAcknowledged: Invariant = {
  name: 'order as acknowledged',
  sentence: 'What one process was told of a run under one fence came in the order of the log.',
  check: (history, options) => {
    const last = new Map<string, number>();
    return heldTo(history, options).flatMap(({ run, fence, by = '', seq }) => {
      const teller = `${run}\n${fence}\n${by}`;
      const before = last.get(teller) ?? 0;
      last.set(teller, seq);
      if (seq >= before) return [];
      return [{ run, message: `seq ${seq} was acknowledged after seq ${before}, fence ${fence}` }];
    });
  },
};

const nameOf = ({ run, step }: BodyRun): string => `${run}\n${step}`;

const finishedOnce: Invariant = {
  name: 'finished once',
  sentence: 'Under one fence the body of a step is finished once, and not begun again afterwards.',
  check: ({ bodies }) => {
    const finished = new Set<string>();
    return bodies.flatMap((body): Problem[] => {
      const key = `${nameOf(body)}\n${body.fence}`;
      const isAgain = finished.has(key);
      if (body.outcome === 'done') finished.add(key);
      if (!isAgain) return [];
      const message = `step ${body.step} was ${body.outcome} after it had finished, fence ${body.fence}`;
      return [{ run: body.run, message }];
    });
  },
};

const storedStepsRest: Invariant = {
  name: 'stored steps rest',
  sentence:
    'A step whose completion is in the log is not begun by a later owner, nor completed again.',
  check: ({ runs, bodies }) => {
    const completed = new Map<string, StoredEvent>();
    const problems: Problem[] = [];
    for (const { id, events } of runs) {
      for (const event of events.filter(({ type }) => type === 'step.completed')) {
        const origin = { key: `run ${id}`, seq: event.seq };
        const { name } = decode(event.data, origin) as StepCompletedData;
        const before = completed.get(`${id}\n${name}`);
        if (before === undefined) completed.set(`${id}\n${name}`, event);
        else {
          const message = `step ${name} was completed at seq ${before.seq} and at seq ${event.seq}`;
          problems.push({ run: id, message });
        }
      }
    }
    for (const body of bodies) {
      const stored = completed.get(nameOf(body));
      if (stored === undefined || body.outcome !== 'begun' || body.fence <= stored.fence) continue;
      const message = `step ${body.step}, stored at seq ${stored.seq}, was begun under fence ${body.fence}`;
      problems.push({ run: body.run, message });
    }
    return problems;
  },
};

export const aboutReports: readonly Invariant[] = [
  acknowledgedIsStored,
  orderAsAcknowledged,
  finishedOnce,
  storedStepsRest,
];
