/** The schedules of an encrypted store: only what the runs are started with is sealed. */
import type { Cipher } from '../core/cipher.ts';
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
import { schedulePlace } from './places.ts';

export class EncryptedSchedules implements Schedules {
  readonly #schedules: Schedules;
  readonly #cipher: Cipher;

  constructor(schedules: Schedules, cipher: Cipher) {
    this.#schedules = schedules;
    this.#cipher = cipher;
  }

  async save(schedule: Schedule, nextAt: number): Promise<SaveOutcome> {
    const place = schedulePlace(schedule.workflow, schedule.id);
    const input = this.#cipher.seal(schedule.input, place);
    return this.#schedules.save({ ...schedule, input }, nextAt);
  }

  /** An input that cannot be opened is no fault of the others: it is told to whoever decodes it. */
  async due(limit: number): Promise<DueSchedules> {
    const { schedules, ...rest } = await this.#schedules.due(limit);
    return { ...rest, schedules: schedules.map((schedule) => this.#opened(schedule)) };
  }

  async read(workflow: string, id: string): Promise<StoredSchedule | undefined> {
    const schedule = await this.#schedules.read(workflow, id);
    return schedule && this.#opened(schedule);
  }

  hold(workflow: string, id: string, nextAt: number | undefined): Promise<boolean> {
    return this.#schedules.hold(workflow, id, nextAt);
  }

  remove(workflow: string, id: string): Promise<boolean> {
    return this.#schedules.remove(workflow, id);
  }

  list(workflow?: string): Promise<readonly ScheduleInfo[]> {
    return this.#schedules.list(workflow);
  }

  advance(
    schedule: { readonly id: string; readonly version: number },
    standing: Standing,
    pollMs?: number,
  ): Promise<AdvanceOutcome> {
    return this.#schedules.advance(schedule, standing, pollMs);
  }

  postpone(id: string, ms: number): Promise<void> {
    return this.#schedules.postpone(id, ms);
  }

  #opened(schedule: StoredSchedule): StoredSchedule {
    const { workflow, id, input } = schedule;
    return { ...schedule, input: this.#cipher.open(input, [schedulePlace(workflow, id)]) };
  }
}
