/**
 * The steps that a worker has at work, as it tells of them with each beat.
 *
 * A step is not written down when it begins: that would double the commits of a run. What is told here costs nothing
 * beside the beat, is as old as the beat, and is lost with its worker.
 */

/** A step whose body was at work when its worker beat last. */
export interface StepAtWork {
  /** The name of the step, as the handler gave it. */
  readonly name: string;
  /** Which attempt it is, from 1. */
  readonly attempt: number;
  /** When this attempt began, on the worker's view of Redis' clock. */
  readonly since: Date;
}

/** As it is told: by the clock of the store. */
export interface ToldStep extends Omit<StepAtWork, 'since'> {
  readonly since: number;
}

/** Steps that one worker tells of; of more, those that are at work for the longest time. */
const toldMax = 500;

export function tellSteps(runs: Iterable<readonly [string, readonly ToldStep[]]>): string {
  const all = [...runs].flatMap(([run, steps]) =>
    steps.map(({ name, attempt, since }) => [run, name, attempt, since] as const),
  );
  if (all.length === 0) return '';
  all.sort((a, b) => a[3] - b[3]);
  return JSON.stringify(all.slice(0, toldMax));
}

/** What was told of one run, the oldest first. What cannot be read tells nothing: it is only a picture for people. */
export function readSteps(told: string, run: string): StepAtWork[] {
  let all: unknown;
  try {
    all = told === '' ? [] : JSON.parse(told);
  } catch {
    return [];
  }
  if (!Array.isArray(all)) return [];
  return all.flatMap((one: unknown) => {
    const [of, name, attempt, since] = Array.isArray(one) ? (one as unknown[]) : [];
    const isTold = of === run && typeof name === 'string' && typeof since === 'number';
    return isTold ? [{ name, attempt: Number(attempt), since: new Date(since) }] : [];
  });
}
