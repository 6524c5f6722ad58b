/** Names that a search may ask for: those of the workflows that the page was given, and of what workers say. */
import type { Pawl } from '../../pawl.ts';
import type { Settings } from '../settings.ts';

export interface Known {
  readonly workflows: readonly string[];
  readonly workers: readonly string[];
  readonly signals: readonly string[];
}

const namesMax = 200;

export async function readKnown(pawl: Pawl, { workflows }: Settings): Promise<Known> {
  const workers = await pawl.workers();
  const served = workers.flatMap((worker) => Object.keys(worker.workflows));
  const given = [...workflows.values()];
  const signals = given.flatMap(({ definition }) =>
    Object.keys((definition.signals ?? {}) as Readonly<Record<string, unknown>>),
  );
  const sorted = (names: readonly string[]): string[] =>
    [...new Set(names)].toSorted().slice(0, namesMax);
  return {
    workflows: sorted([...given.map(({ name }) => name), ...served]),
    workers: sorted(workers.map(({ id }) => id)),
    signals: sorted(signals),
  };
}
