/** Beds whose caller is in this process, and whose workers are not. */
import { playMany, type Caller, Watch } from './bed.ts';
import { type BedName, beds } from './beds.ts';
import { Crew } from './crew.ts';
import { twenty } from './shapes.ts';

export interface Place {
  readonly url: string;
  readonly workers: number;
  /** Of each worker. */
  readonly concurrency: number;
  /** Workers tell of first steps. */
  readonly tells: boolean;
}

/** Each worker is a new process: so many runs of twenty steps compile its code before anything counts. */
const warmUps = 200;

/** Lets `measure` use a caller whose workers are warm. */
export async function apart<T>(
  name: BedName,
  { workers, ...setup }: Place,
  measure: (caller: Caller, begun: Watch) => Promise<T>,
): Promise<T> {
  const watch = new Watch();
  const crew = await Crew.start(workers, { bed: name, ...setup }, (id, at) => watch.tell(id, at));
  try {
    const caller = await beds[name].caller(setup.url);
    try {
      const part = 50;
      for (let played = 0; played < warmUps * workers; played += part) {
        await playMany(
          caller,
          Array.from({ length: part }, () => twenty.name),
        );
      }
      return await measure(caller, watch);
    } finally {
      await caller.close();
    }
  } finally {
    await crew.close();
  }
}
