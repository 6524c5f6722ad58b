/** What must be true of the indexes: they say of each run what its record says, and no wake-up is lost. */
import { isEnded } from '../../../src/core/run.ts';
import { indexedBy, wants } from '../../../src/core/waits.ts';
import type { History, Place, RunHistory } from './history.ts';
import type { Invariant, Problem } from './invariant.ts';

/** Where each run stands by its record; the score is undefined where an index has none. */
type Standing = Map<string, Map<string, number | undefined>>;

const indexesFollowRecords: Invariant = {
  name: 'indexes follow records',
  sentence: 'Each run stands in the indexes its record names, at its time, once, and in no other.',
  check: (history) => {
    const problems: Problem[] = [];
    const expected = expectedStanding(history.runs);
    const actual = new Map(actualIndexes(history));
    for (const index of new Set([...expected.keys(), ...actual.keys()])) {
      problems.push(...differences(index, expected.get(index), actual.get(index) ?? []));
    }
    return [...problems, ...holdersProblems(history), ...sleepProblems(history)];
  },
};

function expectedStanding(runs: readonly RunHistory[]): Standing {
  const standing: Standing = new Map();
  const put = (index: string, run: string, score?: number): void => {
    const places = standing.get(index) ?? new Map<string, number | undefined>();
    standing.set(index, places.set(run, score));
  };
  for (const { id, record } of runs) {
    put('runs', id, record.createdAt);
    put('ids', id, 0);
    put(`by-status:${record.status}`, id, record.createdAt);
    put(`by-workflow:${record.workflow}`, id, record.createdAt);
    for (const [key, value] of Object.entries(record.tags)) {
      put(`by-tag:${key}=${value}`, id, record.createdAt);
    }
    for (const wait of indexedBy(record.waits)) put(`by-wait:${wait}`, id, record.createdAt);
    if (record.status === 'running') put(`held:${record.worker}`, id);
  }
  return standing;
}

interface Found {
  readonly run: string;
  readonly score?: number;
}

function* actualIndexes({ indexes }: History): Iterable<readonly [string, readonly Found[]]> {
  yield ['runs', indexes.runs];
  yield ['ids', indexes.ids];
  const sorted = {
    'by-status': indexes.byStatus,
    'by-workflow': indexes.byWorkflow,
    'by-tag': indexes.byTag,
    'by-wait': indexes.byWait,
  };
  for (const [kind, byName] of Object.entries(sorted)) {
    for (const [name, places] of Object.entries(byName)) yield [`${kind}:${name}`, places];
  }
  for (const [worker, runs] of Object.entries(indexes.held)) {
    yield [`held:${worker}`, runs.map((run) => ({ run }))];
  }
}

function differences(
  index: string,
  expected: ReadonlyMap<string, number | undefined> = new Map(),
  actual: readonly Found[],
): Problem[] {
  const problems: Problem[] = [];
  const found = new Set<string>();
  for (const { run, score } of actual) {
    if (!expected.has(run)) problems.push({ run, message: `stands in ${index} without a reason` });
    else if (expected.get(run) !== score) {
      const message = `stands in ${index} at ${score}, its record says ${expected.get(run)}`;
      problems.push({ run, message });
    }
    if (found.has(run)) problems.push({ run, message: `stands in ${index} twice` });
    found.add(run);
  }
  for (const run of expected.keys()) {
    if (!found.has(run)) problems.push({ run, message: `is missing in ${index}` });
  }
  return problems;
}

/** A worker may stay among the holders for a while after its last run, but must be there while it holds one. */
function holdersProblems({ indexes }: History): Problem[] {
  return Object.entries(indexes.held)
    .filter(([worker, runs]) => runs.length > 0 && !indexes.holders.includes(worker))
    .map(([worker]) => ({ message: `worker ${worker} holds runs and is not among the holders` }));
}

/** What has come that a run waits for has woken it. */
function sleepProblems({ runs }: History): Problem[] {
  return runs
    .filter(({ record, woken }) => record.status === 'waiting' && !woken)
    .filter(({ record, inbox }) => inbox.some((message) => wants(record.waits, message)))
    .map(({ id }) => ({ run: id, message: 'sleeps over a message that it waits for' }));
}

/** The longest a wake-up is ever put off. */
const resendMsMax = 600_000;

/** Whether a run must stand in the due index, for somebody to wake it up or, when it has ended, to delete it. */
function mustBeDue({ record, woken, polls }: RunHistory): boolean {
  const { status, paused, wakeAt } = record;
  if (isEnded(status)) return true;
  if (paused) return false;
  if (status === 'waiting') return wakeAt !== undefined || woken || polls;
  return status === 'queued' || status === 'interrupted';
}

const noWakeUpLost: Invariant = {
  name: 'no wake-up lost',
  sentence:
    'A run that somebody has to wake up stands in the due index, in time; one that nobody may wake does not.',
  check: ({ runs, indexes, at }) => {
    const due = new Map(indexes.due.map((place) => [place.run, place]));
    const known = new Set(runs.map(({ id }) => id));
    const dangling = indexes.due.filter(({ run }) => !known.has(run));
    return [
      ...dangling.map(({ run }) => ({ run, message: 'is due and does not exist' })),
      ...runs.flatMap((run) => {
        const message = problemOfDue(run, due.get(run.id), at);
        return message === undefined ? [] : [{ run: run.id, message }];
      }),
    ];
  },
};

function problemOfDue(run: RunHistory, place: Place | undefined, at: number): string | undefined {
  const { record, inbox, woken, polls } = run;
  const { status, wakeAt } = record;
  const what = `${status}${record.paused ? ', paused,' : ''} with ${inbox.length} messages`;
  if (place === undefined) {
    return mustBeDue(run) ? `is ${what} and not due, so nobody will look at it` : undefined;
  }
  if (!mustBeDue(run)) return `is ${what} and due all the same`;
  if (isEnded(status)) return undefined;
  const isAsleep = status === 'waiting' && !woken && wakeAt !== undefined && wakeAt > at;
  const byItself = isAsleep ? wakeAt : at + resendMsMax;
  const latest = polls ? Math.min(byItself, at + resendMsMax) : byItself;
  return place.score > latest
    ? `is ${what} and due ${place.score - latest} ms too late`
    : undefined;
}

const allEnded: Invariant = {
  name: 'all ended',
  sentence: 'When nothing is to happen any more, every run has ended.',
  check: ({ runs }, { settled = false, mayBeQuarantined = false }) =>
    runs
      .filter(({ record }) => settled && !isEnded(record.status))
      .filter(({ record }) => !(mayBeQuarantined && record.status === 'quarantined'))
      .map(({ id, record }) => ({ run: id, message: `is ${record.status} and has not ended` })),
};

export const aboutIndexes: readonly Invariant[] = [indexesFollowRecords, noWakeUpLost, allEnded];
