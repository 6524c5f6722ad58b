/** A store in memory with schedules, keepers over it, and a clock that the test moves. */
import type { Clock } from '../../src/core/clock.ts';
import { encode } from '../../src/core/codec.ts';
import { PawlError } from '../../src/core/errors.ts';
import type { Logger } from '../../src/core/logger.ts';
import type { WakeUp } from '../../src/core/queue.ts';
import type { Schedule, ScheduleInfo } from '../../src/core/schedules.ts';
import type { RunStore } from '../../src/core/store.ts';
import { ScheduleKeeper } from '../../src/engine/schedules/keeper.ts';
import { systemClock } from '../../src/engine/system-clock.ts';
import { MemoryRunStore } from '../../src/memory/run-store.ts';
import { bytes, claimed, commit, workerInfo } from '../../src/testing/run-store/opened.ts';

/** A full minute; schedules are looked at from here on. */
export const startedAt = 1_800_000_000_000;

/** What there is; made anew for each test. */
export const world = {
  now: startedAt,
  store: new MemoryRunStore(),
  woken: [] as WakeUp[],
  logged: [] as string[],
};

/** To be called before each test. */
export async function resetWorld(): Promise<void> {
  world.now = startedAt;
  world.store = new MemoryRunStore({ clock: { now: () => world.now } });
  world.woken = [];
  world.logged = [];
  await join('first');
}

const clock: Clock = { ...systemClock, now: () => world.now, monotonic: () => world.now };

export async function join(
  worker: string,
  workflows: Record<string, number> = { tick: 1 },
): Promise<void> {
  await world.store.fleet.register(worker);
  await world.store.fleet.beat(workerInfo(worker, { workflows }), 1e12);
}

const note = (fields: object, message: string): void => {
  world.logged.push(`${message} ${JSON.stringify(fields)}`);
};
const logger: Logger = { debug: note, info: note, warn: note, error: note };

export function keeperOf(through: RunStore = world.store): ScheduleKeeper {
  const wake = async (wakeUp: WakeUp): Promise<void> => void world.woken.push(wakeUp);
  return new ScheduleKeeper({ store: through, clock, logger, wake }, () => 1_000_000);
}

export async function turn(keeper = keeperOf(), lost: readonly string[] = []): Promise<void> {
  keeper.attend(lost);
  await keeper.end();
}

/** Turns every 100 ms until so much later. */
export async function pass(ms: number, keeper = keeperOf()): Promise<void> {
  for (const until = world.now + ms; world.now < until;) {
    world.now += 100;
    await turn(keeper);
  }
}

export async function save(params: Partial<Schedule> = {}): Promise<void> {
  const schedule: Schedule = {
    id: 's',
    workflow: 'tick',
    codeVersion: 3,
    input: encode({ n: 1 }, 'input', 1_000),
    cron: undefined,
    timeZone: undefined,
    everyMs: 1_000,
    missed: 'latest',
    overlap: 'allow',
    ...params,
  };
  await world.store.schedules.save(schedule, startedAt + 1_000);
}

export async function info(id = 's'): Promise<ScheduleInfo> {
  const found = (await world.store.schedules.list()).find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no schedule ${id}`);
  return found;
}

/** The times whose runs there are, in seconds from the start. */
export async function times(): Promise<number[]> {
  const { runs } = await world.store.lists.runs({ limit: 500, tag: 'schedule=s' });
  return runs.map(({ id }) => (Number(id.slice(2)) - startedAt) / 1_000).sort((a, b) => a - b);
}

export const runOf = (second: number): string => `s.${startedAt + second * 1_000}`;

export async function complete(second: number): Promise<void> {
  const { ownership } = await claimed(world.store, runOf(second), { codeVersion: 3 });
  const release = { status: 'completed', output: bytes('output'), keepMs: 1e9 } as const;
  await world.store.commit(commit(ownership, { release }));
}

export const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

/** Calls `before` at each call of the store or of a contract inside of it, and `behind` when it was carried out. */
export function watching(
  of: RunStore,
  before: (name: string) => void,
  behind: (name: string) => void = () => undefined,
): RunStore {
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value === 'object' && value !== null) return watch(value);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          before(String(name));
          const result: unknown = await Reflect.apply(value, target, args);
          behind(String(name));
          return result;
        };
      },
    });
  return watch(of);
}

/** A store that is as dead as its process after so many calls; the last one is carried out, or not. */
export function dyingAfter(calls: number, last: 'carried out' | 'lost'): RunStore {
  let made = 0;
  const die = (): void => {
    throw new PawlError('PAWL_UNAVAILABLE', 'this process is dead');
  };
  return watching(
    world.store,
    () => {
      made += 1;
      if (made > calls || (made === calls && last === 'lost')) die();
    },
    () => {
      if (made >= calls) die();
    },
  );
}
