/** Lets the runs of one error try again, each as a person would ask it. The page looks at the same runs. */
import { RunError, InvalidError } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { Pawl } from '../../pawl.ts';
import { readFailures } from './failures.ts';
import { readSearch } from './search.ts';

/** What has become of it. */
export interface Retried {
  readonly isKnown: boolean;
  readonly done: readonly string[];
  readonly unchanged: number;
  readonly refused: readonly { readonly run: string; readonly message: string }[];
}

const atOnce = 16;

/** @throws InvalidError for a reason that is too long: nothing was done; faults of the store: some are done, repeat it. */
export async function retryGroup(
  pawl: Pawl,
  { group: id, reason }: { readonly group: string; readonly reason: string },
  actor: string,
): Promise<Retried> {
  if (reason.length > fixedLimits.reasonLength) {
    throw new InvalidError('reason', `has more than ${fixedLimits.reasonLength} characters.`);
  }
  const { groups } = await readFailures(pawl, readSearch({}));
  const group = groups.find((one) => one.id === id);
  const left = (group?.runs ?? []).values();
  const done: string[] = [];
  const refused: { run: string; message: string }[] = [];
  let unchanged = 0;
  const request = { actor, ...(reason === '' ? {} : { reason }) };
  const work = async (): Promise<void> => {
    for (const { id: run } of left) {
      try {
        if (await pawl.run(run).resume(request)) done.push(run);
        else unchanged += 1;
      } catch (error) {
        if (!(error instanceof RunError)) throw error;
        refused.push({ run, message: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { isKnown: group !== undefined, done, unchanged, refused };
}
