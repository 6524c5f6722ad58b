/** What a test opens for graphs that are executed as runs, closed when the test is over: the last one first. */
import { inject, onTestFinished } from 'vitest';
import { Pawl } from '../../src/index.ts';
import type { PawlSaver } from '../../src/langgraph.ts';
import { openSaver } from './savers.ts';

interface Opened {
  readonly saver: PawlSaver;
  readonly pawl: Pawl;
  readonly prefix: string;
}

/** A saver, and a pawl over the same keys. */
export async function open(): Promise<Opened> {
  const { saver, prefix } = await openSaver();
  const pawl = await Pawl.open({ redis: inject('redisUrl'), prefix });
  onTestFinished(() => pawl.close());
  return { saver, pawl, prefix };
}

export function work(pawl: Pawl, ...workflows: Parameters<Pawl['worker']>[0]['workflows']) {
  const worker = pawl.worker({ workflows });
  onTestFinished(() => worker.close());
  return worker;
}
