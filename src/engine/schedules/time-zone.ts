/** How far the clocks on the wall of a place are from UTC, and when they are changed. All times are milliseconds. */

/** No clock on earth is further from UTC, and no change is nearer to another one. */
const aroundMs = 26 * 3_600_000;

/** Today's clocks are changed at a quarter of an hour, if at all. */
const quarterMs = 900_000;
const offsetsKept = 1_000;

export interface Around {
  readonly before: number;
  readonly behind: number;
  readonly change: number | undefined;
}

const zones = new Map<string, TimeZone>();

export class TimeZone {
  readonly #format: Intl.DateTimeFormat;
  /** By quarter of an hour. */
  readonly #offsets = new Map<number, number>();

  private constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** @throws RangeError when there is no such zone. */
  static named(name: string): TimeZone {
    const zone = zones.get(name) ?? new TimeZone(name);
    zones.set(name, zone);
    return zone;
  }

  /** What is to be added to a time to get what the clocks show, written as if it were UTC. */
  offsetAt(at: number): number {
    const quarter = Math.floor(at / quarterMs);
    const known = this.#offsets.get(quarter);
    if (known !== undefined) return known;
    if (this.#offsets.size >= offsetsKept) this.#offsets.clear();
    const offset = this.#read(quarter * quarterMs);
    this.#offsets.set(quarter, offset);
    return offset;
  }

  #read(at: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - at;
  }

  /** The offsets a day before and a day after a time and, when they differ, when the clocks are changed. */
  around(at: number): Around {
    const before = this.offsetAt(at - aroundMs);
    const behind = this.offsetAt(at + aroundMs);
    if (before === behind) return { before, behind, change: undefined };
    return { before, behind, change: this.changeBetween(at - aroundMs, at + aroundMs) };
  }

  /** A moment after `from`, up to `to`, at which the clocks are changed; undefined when both have one offset. */
  changeBetween(from: number, to: number): number | undefined {
    const offset = this.offsetAt(from);
    if (this.offsetAt(to) === offset) return undefined;
    let before = from;
    let behind = to;
    while (behind - before > 1) {
      const middle = before + Math.floor((behind - before) / 2);
      if (this.offsetAt(middle) === offset) before = middle;
      else behind = middle;
    }
    return behind;
  }

  /**
   * When the clocks show `wall`. What they show twice is the first time; what they leave out comes as much later as they
   * are put forward.
   */
  toInstant(wall: number): number {
    const before = this.offsetAt(wall - aroundMs);
    const behind = this.offsetAt(wall + aroundMs);
    const early = wall - before;
    if (before === behind || this.offsetAt(early) === before) return early;
    const late = wall - behind;
    return this.offsetAt(late) === behind ? late : early;
  }
}
