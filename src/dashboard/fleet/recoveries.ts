/**
 * What workers lost, and how fast others went on: detection, claim and replay of each take-over. How long a replay took
 * stands in the log of the run, as an event after the claim. It never changes, so a log that tells is looked at once, and a
 * few logs in each reading.
 */
import type { ResumedData, RunEvent } from '../../core/event.ts';
import type { RecoveryInfo } from '../../core/fleet.ts';
import type { Pawl } from '../../pawl.ts';
import { readEvents } from '../reading.ts';

export const recoveriesMax = 500;
const logsEachTime = 10;
const eventsLooked = 200;
const knownMax = 2_000;
const clockMs = 5;
const lateMs = 600_000;
const againMs = 5_000;

export interface Take extends RecoveryInfo {
  /** How long the new owner took to rebuild its state; undefined where that is not known. */
  readonly replayMs: number | undefined;
}

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

export interface ReasonStats {
  readonly reason: string;
  readonly count: number;
  readonly quarantined: number;
  readonly detect: Spread;
  readonly claim: Spread;
  readonly replay: Spread;
}

export interface Recoveries {
  /** The newest first. */
  readonly takes: readonly Take[];
  readonly reasons: readonly ReasonStats[];
}

/** The greatest of the least `share` of some numbers. */
export function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

export class RecoveryReader {
  readonly #pawl: Pawl;
  /** By run and time; no `ms` for a log that does not tell. */
  readonly #replays = new Map<string, { readonly ms?: number; readonly lookedAt: number }>();

  constructor(pawl: Pawl) {
    this.#pawl = pawl;
  }

  async read(): Promise<Recoveries> {
    const all = await this.#pawl.recoveries({ limit: recoveriesMax });
    const unknown = all.filter((one) => one.claimMs !== undefined && this.#mayTell(one));
    await Promise.all(unknown.slice(0, logsEachTime).map((one) => this.#ask(one)));
    const takes = all.map((one) => ({ ...one, replayMs: this.#replays.get(nameOf(one))?.ms }));
    return { takes, reasons: reasonsOf(takes) };
  }

  /** The event of a replay is written with the next one, which may come late. */
  #mayTell(one: RecoveryInfo): boolean {
    const known = this.#replays.get(nameOf(one));
    if (known === undefined) return true;
    const now = Date.now();
    return (
      known.ms === undefined && now - one.at.getTime() < lateMs && now - known.lookedAt > againMs
    );
  }

  async #ask(one: RecoveryInfo): Promise<void> {
    if (this.#replays.size >= knownMax) this.#replays.clear();
    const ms = await this.#replayOf(one).catch(() => undefined);
    this.#replays.set(nameOf(one), { ...(ms === undefined ? {} : { ms }), lookedAt: Date.now() });
  }

  /** Reads the newest part of the log; older take-overs of a long run are not told. */
  async #replayOf(one: RecoveryInfo): Promise<number | undefined> {
    const run = await this.#pawl.run(one.run).info();
    const from = Math.max(0, run.seq - eventsLooked);
    return replayIn(await readEvents(this.#pawl, run, from), one);
  }
}

/** How long the replay of a take-over took, as the log says; undefined where it does not. */
export function replayIn(
  events: readonly RunEvent[],
  { from, worker, at, claimMs = 0 }: Omit<RecoveryInfo, 'run' | 'workflow'>,
): number | undefined {
  // Two scripts tell the time: the one of the claim, and the one of the next commit.
  const claimedAt = at.getTime() + claimMs - clockMs;
  const resumed = events.find(({ type, data, at: time }) => {
    if (type !== 'run.resumed' || time.getTime() < claimedAt) return false;
    const said = data as ResumedData;
    return said.from === from && said.worker === worker;
  });
  return (resumed?.data as ResumedData | undefined)?.replayMs;
}

function nameOf({ run, at }: RecoveryInfo): string {
  return `${run} ${at.getTime()}`;
}

function reasonsOf(takes: readonly Take[]): ReasonStats[] {
  const names = [...new Set(takes.map(({ reason }) => reason))].toSorted();
  const groups = names.map(
    (name) => [name, takes.filter(({ reason }) => reason === name)] as const,
  );
  const all = names.length > 1 ? [['all', takes] as const, ...groups] : groups;
  return all.map(([reason, of]) => ({
    reason,
    count: of.length,
    quarantined: of.filter(({ quarantined }) => quarantined).length,
    detect: spread(of.map(({ detectMs }) => detectMs)),
    claim: spread(of.flatMap(({ claimMs }) => claimMs ?? [])),
    replay: spread(of.flatMap(({ replayMs }) => replayMs ?? [])),
  }));
}
