/**
 * The witness of a failover: what handlers of the workflow `diary` were told is stored, against what the logs hold.
 *
 * Entries are never alike, so one that was stored, lost and written again by the next owner is still found missing.
 */
import type { RunEvent, RunHandle } from 'pawl';
import type { NodeChild } from './child.ts';
import { allEvents, checkLog } from './workers.ts';

interface Told {
  readonly id: string;
  readonly fence: number;
  readonly pid: number;
}

export interface Judged {
  readonly run: string;
  /** How many entries were acknowledged. */
  readonly acknowledged: number;
  /** Ids of those that the log does not hold. */
  readonly lost: readonly string[];
  /** The places of the entries in the log: 0, 1, 2 … unless something is missing or doubled. */
  readonly places: readonly number[];
  /** The log says that it was cut, or a worker that it has seen so. */
  readonly saidSo: boolean;
  readonly isRewound: boolean;
}

/** Reads the logs of ended runs. Throws where a log is not dense, or a fence was given out twice. */
export async function judge(
  runs: readonly RunHandle[],
  workers: readonly NodeChild[],
): Promise<Judged[]> {
  const told = new Map<string, Told[]>();
  const reported = new Set<string>();
  for (const { messages } of workers) {
    for (const { message, run, id, fence, pid } of messages) {
      if (message === 'redis lost acknowledged events of this run') reported.add(String(run));
      if (message !== 'entry acknowledged') continue;
      const entries = told.get(String(run)) ?? [];
      entries.push({ id: String(id), fence: Number(fence), pid: Number(pid) });
      told.set(String(run), entries);
    }
  }
  return Promise.all(
    runs.map(async (run) => {
      const events = await allEvents(run);
      checkLog(events);
      const entries = told.get(run.id) ?? [];
      checkFences(run.id, entries, events);
      const written = events
        .filter(({ type }) => type === 'entry')
        .map(({ data }) => data as { i: number; id: string });
      const stored = new Set(written.map(({ id }) => id));
      const isRewound = events.some(({ type }) => type === 'run.rewound');
      return {
        run: run.id,
        acknowledged: entries.length,
        isRewound,
        lost: entries.filter(({ id }) => !stored.has(id)).map(({ id }) => id),
        places: written.map(({ i }) => i),
        saidSo: isRewound || reported.has(run.id),
      };
    }),
  );
}

/** Also a claim that was lost with its master has given out a fence: nobody else may have been given it. */
function checkFences(run: string, told: readonly Told[], events: readonly RunEvent[]): void {
  const owners = new Map<number, number>();
  for (const { fence, pid } of told) {
    const owner = owners.get(fence) ?? pid;
    if (owner !== pid) throw new Error(`run ${run}: fence ${fence} was given to two workers`);
    owners.set(fence, owner);
  }
  const newest = Math.max(...owners.keys());
  const last = events.at(-1)?.fence ?? 0;
  if (last < newest) throw new Error(`run ${run}: fence ${last} came after ${newest}`);
}
