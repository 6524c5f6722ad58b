/** Plays a run of very many items on a worker with little heap, and tells what that took. */
import type { Pawl } from '../../src/index.ts';
import type { NodeChild } from './child.ts';
import type { album, sums } from './many-workflows.ts';

export interface Taken {
  readonly result: { readonly completed: number };
  readonly seconds: number;
  /** The most that the worker held, as it said. */
  readonly heapMb: number;
  readonly rssMb: number;
}

/** The worker must have said that it is ready. */
export async function playMany(
  pawl: Pawl,
  worker: NodeChild,
  workflow: typeof album | typeof sums,
  count: number,
): Promise<Taken> {
  const began = performance.now();
  const run = await pawl.start(workflow as typeof album, count);
  const ended = worker.exit.then(({ code, signal }) => {
    throw new Error(`the worker has ended: ${signal ?? code} ${worker.errors}`);
  });
  const result = await Promise.race([run.result(), ended]);
  const seconds = (performance.now() - began) / 1000;
  const { heapMb, rssMb } = worker.messages.findLast(({ message }) => message === 'memory') ?? {};
  return { result, seconds, heapMb: Number(heapMb), rssMb: Number(rssMb) };
}
