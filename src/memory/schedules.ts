/** Schedules in memory. */
import type {
  AdvanceOutcome,
  DueSchedules,
  SaveOutcome,
  Schedule,
  ScheduleInfo,
  Schedules,
  Standing,
  StoredSchedule,
} from '../core/schedules.ts';

interface Entry {
  readonly schedule: StoredSchedule;
  /** When it is looked at next. */
  readonly pollAt: number;
}

export class MemorySchedules implements Schedules {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #version = 0;

  /** `now`: tells the time, and throws when the store is closed. */
  constructor(now: () => number) {
    this.#now = now;
  }

  async save(schedule: Schedule, nextAt: number): Promise<SaveOutcome> {
    this.#now();
    const known = this.#entries.get(schedule.id);
    if (known !== undefined && known.schedule.workflow !== schedule.workflow) {
      return { outcome: 'taken', workflow: known.schedule.workflow };
    }
    const stays = known !== undefined && hasTimingOf(known.schedule, schedule);
    const { lastRun, timesMissed = 0, timesSkipped = 0 } = known?.schedule ?? {};
    const standing = stays
      ? standingOf(known.schedule)
      : { nextAt, waiting: [], lastRun, timesMissed, timesSkipped };
    const input = Uint8Array.from(schedule.input);
    const paused = known?.schedule.paused ?? false;
    const stored = { ...schedule, ...standing, input, paused, version: this.#nextVersion() };
    const pollAt = stays || paused ? (known?.pollAt ?? nextAt) : nextAt;
    this.#entries.set(schedule.id, { schedule: stored, pollAt });
    return { outcome: 'saved' };
  }

  async remove(workflow: string, id: string): Promise<boolean> {
    this.#now();
    return this.#entries.get(id)?.schedule.workflow === workflow && this.#entries.delete(id);
  }

  async read(workflow: string, id: string): Promise<StoredSchedule | undefined> {
    this.#now();
    const found = this.#entries.get(id)?.schedule;
    return found?.workflow === workflow
      ? { ...found, input: Uint8Array.from(found.input) }
      : undefined;
  }

  async hold(workflow: string, id: string, nextAt: number | undefined): Promise<boolean> {
    const now = this.#now();
    const known = this.#entries.get(id)?.schedule;
    if (known?.workflow !== workflow) return false;
    const paused = nextAt === undefined;
    if (known.paused === paused) return true;
    const version = this.#nextVersion();
    const schedule = { ...known, paused, nextAt: nextAt ?? known.nextAt, version };
    this.#entries.set(id, { schedule, pollAt: paused ? Infinity : now });
    return true;
  }

  async list(workflow?: string): Promise<readonly ScheduleInfo[]> {
    this.#now();
    return [...this.#entries.values()]
      .map(({ schedule: { input: _, version: __, ...info } }) => info)
      .filter((info) => workflow === undefined || info.workflow === workflow)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async due(limit: number): Promise<DueSchedules> {
    const now = this.#now();
    const schedules = [...this.#entries.values()]
      .filter(({ pollAt }) => pollAt <= now)
      .sort((a, b) => a.pollAt - b.pollAt || (a.schedule.id < b.schedule.id ? -1 : 1))
      .slice(0, limit)
      .map(({ schedule }) => ({ ...schedule, input: Uint8Array.from(schedule.input) }));
    return { now, schedules, damaged: [] };
  }

  async advance(
    { id, version }: { readonly id: string; readonly version: number },
    standing: Standing,
    pollMs?: number,
  ): Promise<AdvanceOutcome> {
    const now = this.#now();
    const known = this.#entries.get(id);
    if (known?.schedule.version !== version) return { outcome: 'changed' };
    const next = this.#nextVersion();
    const schedule = { ...known.schedule, ...standingOf(standing), version: next };
    const pollAt = pollMs === undefined ? standing.nextAt : now + pollMs;
    this.#entries.set(id, { schedule, pollAt });
    return { outcome: 'advanced', version: next };
  }

  async postpone(id: string, ms: number): Promise<void> {
    const now = this.#now();
    const known = this.#entries.get(id);
    if (known !== undefined && known.pollAt <= now) {
      this.#entries.set(id, { ...known, pollAt: now + ms });
    }
  }

  /** The next time after `now` at which a run is to start. */
  nextAt(now: number): number | undefined {
    const going = [...this.#entries.values()].filter(({ schedule }) => !schedule.paused);
    const times = going.map(({ schedule }) => schedule.nextAt);
    const next = Math.min(...times.filter((at) => at > now));
    return next === Infinity ? undefined : next;
  }

  #nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }
}

function hasTimingOf(one: Schedule, other: Schedule): boolean {
  return (
    one.cron === other.cron && one.timeZone === other.timeZone && one.everyMs === other.everyMs
  );
}

function standingOf({ nextAt, waiting, lastRun, timesMissed, timesSkipped }: Standing): Standing {
  return { nextAt, waiting: [...waiting], lastRun, timesMissed, timesSkipped };
}
