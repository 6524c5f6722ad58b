/** The turnstile of one workflow, in memory: who has a turn, and who stands in line. Said plainly; Redis says the same. */
import { isDeepStrictEqual } from 'node:util';
import {
  type EnterOutcome,
  type EnterParams,
  grantsPerCall,
  type Keyed,
  type LeaveOutcome,
  type LimitsOfCode,
  type OnBusy,
  type Turn,
  turnCheck,
} from '../core/turns.ts';

interface InLine extends Keyed {
  /** Those that were at work before come first; then it is the priority; those that sleep get no turn. */
  readonly rank: number;
  readonly order: number;
}

interface Held {
  readonly turn: Turn;
  readonly checkAt: number;
}

/** What a key has of its rate. */
interface Stretch {
  readonly endsAt: number;
  readonly count: number;
}

/** Behind every priority. */
const asleep = 1_000_001;

const id = ({ run, birth }: Keyed): string => `${run} ${birth}`;

export class Turnstile {
  readonly #workflow: string;
  #limits: LimitsOfCode | undefined;
  #order = 0;
  #round = 0;
  #last = 0;
  readonly #line = new Map<string, InLine>();
  readonly #held = new Map<string, Held>();
  /** Keys that may have a turn, by the round of their last one; and those whose rate is used up, by the time it is not. */
  readonly #ready = new Map<string, number>();
  readonly #later = new Map<string, number>();
  readonly #rates = new Map<string, Stretch>();
  /** When the burst of starts of a key began, and the runs in line that no later one has make way. */
  readonly #bursts = new Map<string, number>();
  readonly #spared = new Set<string>();
  /** More may be granted at once. */
  #more = false;

  constructor(workflow: string) {
    this.#workflow = workflow;
  }

  /** When a sweeper is to look. */
  get lookAt(): number {
    const checks = [...this.#held.values()].map(({ checkAt }) => checkAt);
    return this.#more ? 0 : Math.min(...checks, ...this.#later.values());
  }

  /** Those of older code change nothing. */
  setLimits(limits: LimitsOfCode, now?: number): void {
    if ((this.#limits?.codeVersion ?? 0) > limits.codeVersion) return;
    const { perKey, fleet, rate, onBusy } = limits;
    const isNone = onBusy === 'queue' && perKey === undefined && fleet === undefined && !rate;
    // Runs that never asked for a turn need none.
    if (now !== undefined && this.#limits === undefined && isNone) return;
    if (isDeepStrictEqual(this.#limits, limits)) return;
    this.#limits = limits;
    this.#later.clear();
    for (const { key: of } of this.#line.values()) this.#makeReady(of);
    if (now !== undefined) this.#more = true;
  }

  enter(params: EnterParams, now: number): EnterOutcome {
    const { key, run, birth, state } = params;
    const keyed = { workflow: this.#workflow, key, run, birth };
    const onBusy = this.#limits?.onBusy ?? 'queue';
    const isOver = this.#held.has(id(keyed)) && this.#hasTooMany(key);
    if (this.#held.has(id(keyed)) && !isOver) {
      this.#line.delete(id(keyed));
      return { outcome: 'granted', onBusy, older: [], granted: [this.#number(keyed, now)] };
    }
    if (params.ifFree === true) {
      const isFree = this.#first(key) === undefined && this.#hasRoom(key, now);
      if (!isFree) return { outcome: 'busy', onBusy, older: [], granted: [] };
      return { outcome: 'granted', onBusy, older: [], granted: [this.#grant(keyed, now)] };
    }
    const known = this.#line.get(id(keyed));
    if (known === undefined && state !== 'begun') this.#arrive(key, now);
    if (known === undefined) this.#order += 1;
    const order = known?.order ?? this.#order;
    this.#line.set(id(keyed), { ...keyed, rank: rankOf(params), order });
    this.#makeReady(key);
    const granted = this.pump(now);
    const has = !isOver && this.#held.has(id(keyed));
    const older = state === 'begun' ? [] : this.#olderThan({ key, order }, onBusy, has);
    return { outcome: has ? 'granted' : 'queued', onBusy, older, granted };
  }

  /** A run goes on with the burst of starts, or begins another one, which spares those in line. */
  #arrive(key: string, now: number): void {
    const { onBusy, burstMs } = this.#limits ?? {};
    if (onBusy !== 'debounce' || burstMs === undefined) return;
    for (const one of this.#spared) if (!this.#line.has(one)) this.#spared.delete(one);
    const waiting = [...this.#line.values()]
      .filter((one) => one.key === key && one.rank >= 0)
      .map(id)
      .filter((one) => !this.#spared.has(one));
    if (waiting.length > 0 && now - (this.#bursts.get(key) ?? 0) < burstMs) return;
    for (const one of waiting) this.#spared.add(one);
    this.#bursts.set(key, now);
  }

  leave(keyed: Keyed, turn: number | undefined, now: number): LeaveOutcome {
    if (turn === undefined) this.#line.delete(id(keyed));
    const held = this.#held.get(id(keyed))?.turn;
    if (held?.turn === turn) this.#held.delete(id(keyed));
    this.#makeReady(keyed.key);
    const granted = this.pump(now);
    return { granted, held: held?.turn === turn ? undefined : held };
  }

  hold(turn: Turn, now: number): void {
    if (this.#held.has(id(turn))) return;
    this.#last = Math.max(this.#last, turn.turn);
    this.#held.set(id(turn), { turn: { ...turn }, checkAt: now + turnCheck.firstMs });
    this.#line.delete(id(turn));
  }

  /** Turns that are to be looked at, each later and later; after a loss, all of them. */
  takeDoubtful(limit: number, all: boolean, now: number): readonly Turn[] {
    if (all) for (const [of, { turn }] of this.#held) this.#held.set(of, { turn, checkAt: now });
    const due = [...this.#held].filter(([, { checkAt }]) => checkAt <= now);
    const sorted = due.toSorted(([a, x], [b, y]) => x.checkAt - y.checkAt || (a < b ? -1 : 1));
    return sorted.slice(0, limit).map(([of, { turn }]) => {
      const age = now - Math.floor(turn.turn / 1000);
      const pause = Math.min(Math.max(turnCheck.firstMs, age), turnCheck.mostMs);
      this.#held.set(of, { turn, checkAt: now + pause });
      return turn;
    });
  }

  /** Grants turns while there is room, one key after the other. */
  pump(now: number): readonly Turn[] {
    const granted: Turn[] = [];
    const ripe = [...this.#later].filter(([, from]) => from <= now).toSorted(byNumber);
    for (const [key] of ripe.slice(0, grantsPerCall)) {
      this.#later.delete(key);
      this.#makeReady(key);
    }
    this.#more = false;
    for (let left = grantsPerCall; ; left -= 1) {
      const [key] = [...this.#ready].toSorted(byNumber)[0] ?? [];
      if (this.#isFull || key === undefined) return granted;
      if (left === 0) break;
      const first = this.#first(key);
      const from = this.#rateFrom(key, now);
      if (first !== undefined && from > 0) {
        this.#ready.delete(key);
        this.#later.set(key, from);
      } else if (first === undefined || !this.#hasRoom(key, now)) {
        this.#ready.delete(key);
      } else {
        granted.push(this.#grant(first, now));
        this.#round += 1;
        this.#ready.set(key, this.#round);
      }
    }
    this.#more = true;
    return granted;
  }

  /** The runs of the key that are to make way. */
  #olderThan(
    { key, order }: Pick<InLine, 'key' | 'order'>,
    onBusy: OnBusy,
    has: boolean,
  ): readonly Keyed[] {
    if (onBusy !== 'debounce' && (onBusy !== 'replace' || has)) return [];
    const before = [...this.#line.values()]
      .filter((one) => one.key === key && one.order < order)
      .filter((one) => onBusy === 'replace' || (one.rank >= 0 && !this.#spared.has(id(one))))
      .toSorted(byPlace);
    const atWork = [...this.#held.values()].map(({ turn }) => turn);
    const holders = onBusy === 'replace' ? atWork.filter((turn) => turn.key === key) : [];
    return [...before, ...holders].map(({ workflow, key: of, run, birth }) => ({
      workflow,
      key: of,
      run,
      birth,
    }));
  }

  #first(key: string): InLine | undefined {
    const own = [...this.#line.values()].filter((one) => one.key === key && one.rank < asleep);
    return own.toSorted(byPlace)[0];
  }

  get #isFull(): boolean {
    return this.#held.size >= (this.#limits?.fleet ?? Infinity);
  }

  #hasRoom(key: string, now: number): boolean {
    const mayHave = this.#limits?.perKey ?? Infinity;
    return !this.#isFull && this.#heldBy(key) < mayHave && this.#rateFrom(key, now) === 0;
  }

  /** More turns are counted than there may be. */
  #hasTooMany(key: string): boolean {
    const { fleet = Infinity, perKey = Infinity } = this.#limits ?? {};
    return this.#held.size > fleet || this.#heldBy(key) > perKey;
  }

  #heldBy(key: string): number {
    return [...this.#held.values()].filter(({ turn }) => turn.key === key).length;
  }

  /** When the rate of a key allows another turn; 0 for now. */
  #rateFrom(key: string, now: number): number {
    const { rate } = this.#limits ?? {};
    const { endsAt, count } = this.#rates.get(key) ?? { endsAt: 0, count: 0 };
    return rate === undefined || endsAt <= now || count < rate.max ? 0 : endsAt;
  }

  #grant(keyed: Keyed, now: number): Turn {
    const { rate } = this.#limits ?? {};
    if (rate !== undefined) {
      const known = this.#rates.get(keyed.key);
      const isOver = known === undefined || known.endsAt <= now;
      const { endsAt, count } = isOver ? { endsAt: now + rate.perMs, count: 0 } : known;
      this.#rates.set(keyed.key, { endsAt, count: count + 1 });
    }
    this.#line.delete(id(keyed));
    return this.#number(keyed, now);
  }

  /** A new number for the turn of a run: who gives back the one before does not mean this one. */
  #number({ workflow, key, run, birth }: Keyed, now: number): Turn {
    this.#last = Math.max(this.#last + 1, now * 1000);
    const turn = { workflow, key, run, birth, turn: this.#last };
    this.#held.set(id(turn), { turn, checkAt: now + turnCheck.firstMs });
    return turn;
  }

  /** A key that got in, or whose run has left, goes behind all keys that wait. */
  #makeReady(key: string): void {
    if (this.#first(key) === undefined || this.#later.has(key) || this.#ready.has(key)) return;
    this.#ready.set(key, this.#round);
  }
}

function rankOf({ state, priority }: EnterParams): number {
  return state === 'begun' ? -1 : state === 'asleep' ? asleep : priority;
}

function byPlace(a: InLine, b: InLine): number {
  return a.rank - b.rank || a.order - b.order;
}

/** Of two that are alike, the lesser key comes first: as in an index of Redis. */
function byNumber([a, x]: [string, number], [b, y]: [string, number]): number {
  return x - y || (a < b ? -1 : 1);
}
