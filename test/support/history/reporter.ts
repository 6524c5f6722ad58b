/**
 * How a process says what it was told is stored, and which bodies it executed: as JSON lines, for the process that started
 * it to collect. A line is written before anybody can act on what it says, and a pipe takes it at once: it is out when the
 * process is killed in the next moment.
 */
import { Pawl } from 'pawl';
import { BullResumeQueue } from '../../../src/bullmq/resume-queue.ts';
import type { NewEvent } from '../../../src/core/event.ts';
import { type Logger, silentLogger } from '../../../src/core/logger.ts';
import type { CommitOutcome, RunStore } from '../../../src/core/store.ts';
import { RedisRunStore } from '../../../src/redis/run-store.ts';
import { type BodyRun, digestOf, type Reported, type ToldEvent } from './history.ts';
import { withMethods } from '../with-methods.ts';

/** One line. */
export type Report = { readonly told: readonly ToldEvent[] } | { readonly body: BodyRun };

export type Say = (report: Report) => void;

/** Writes lines to the standard output. */
export function sayLines(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** Gathers reports of this process; `said` is what `collectHistory` takes. */
export function gather(): { readonly say: Say; readonly said: Reported } {
  const told: ToldEvent[] = [];
  const bodies: BodyRun[] = [];
  const say: Say = (report) => {
    if ('told' in report) told.push(...report.told);
    else bodies.push(report.body);
  };
  return { say, said: { told, bodies } };
}

/** Picks the reports out of what child processes wrote, process after process. */
export function reportedBy(
  children: Iterable<{ readonly messages: readonly Readonly<Record<string, unknown>>[] }>,
): Reported {
  const { say, said } = gather();
  for (const { messages } of children) {
    for (const message of messages) {
      if ('told' in message || 'body' in message) say(message as unknown as Report);
    }
  }
  return said;
}

/** The same store, telling what it acknowledged: events of `create`, `claim` and `commit`. `by` names this process. */
export function reportingStore(store: RunStore, say: Say, by: string): RunStore {
  const tell = (run: string, fence: number, after: number, events: readonly NewEvent[]): void => {
    const told = events.map(({ type, data }, i) => {
      return { run, seq: after + 1 + i, type, digest: digestOf(data), fence, by };
    });
    if (told.length > 0) say({ told });
  };
  const reporting: Partial<RunStore> = {
    create: async (params) => {
      const outcome = await store.create(params);
      if (outcome.outcome === 'created') {
        tell(params.run, 0, 0, [{ type: 'run.created', data: params.data }]);
      }
      return outcome;
    },
    claim: async (params) => {
      const outcome = await store.claim(params);
      if (outcome.outcome === 'claimed') {
        const { ownership, record, events } = outcome;
        // It is the newest event; a long tail comes in pages, and the first may not hold it.
        const own = events.filter(({ seq }) => seq === record.seq);
        tell(ownership.run, ownership.fence, record.seq - 1, own);
      }
      return outcome;
    },
    commit: async (params) => {
      const outcome = await store.commit(params);
      if (isApplied(outcome)) tell(params.run, params.fence, params.expectedSeq, params.events);
      return outcome;
    },
  };
  return withMethods(store, reporting);
}

function isApplied(outcome: CommitOutcome): boolean {
  return outcome.outcome === 'committed' || (outcome.outcome === 'fenced' && outcome.applied);
}

/**
 * A step's body that reports its beginning and its end. `of` is the handler's `ctx`; `step` is the whole name, as in the
 * log. A body that throws, or is cut short, is never `done`.
 */
export function reportedBody<Args extends readonly unknown[], Result>(
  say: Say,
  { run, fence }: { readonly run: string; readonly fence: number },
  step: string,
  body: (...args: Args) => Promise<Result> | Result,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    say({ body: { run, step, fence, outcome: 'begun' } });
    const result = await body(...args);
    say({ body: { run, step, fence, outcome: 'done' } });
    return result;
  };
}

/** A pawl over Redis that reports through `say` what it is told; `by` names it among all that report. */
export async function openReportingPawl(
  setup: { readonly url: string; readonly prefix: string; readonly logger?: Logger },
  say: Say,
  by = `process ${process.pid}`,
): Promise<Pawl> {
  const { url, prefix, logger = silentLogger } = setup;
  const store = await RedisRunStore.open({ redis: url, prefix, logger });
  const queue = new BullResumeQueue({
    connect: (purpose) => store.connectionFor(purpose),
    evaluate: (lua, keys) => store.evaluate(lua, keys),
    prefix: `{${prefix}}:bull`,
    logger,
  });
  return Pawl.assemble({ store: reportingStore(store, say, by), queue, logger });
}
