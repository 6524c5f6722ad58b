/** Stands for work that takes time: put your own call here. Says aloud that it is done, so that a repetition is seen. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function pretend(what: string, ms = 400): Promise<void> {
  console.log(what);
  await sleep(ms);
}
