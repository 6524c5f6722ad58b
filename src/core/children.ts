/**
 * The children of a run, as part of the fold's bookkeeping:
 *
 *   child:<name>   Child: by the name it has in this run, from `child.starting` on
 */
import type { ChildEnd, ChildRefused, ChildStart, ChildStarting } from './event.ts';
import type { Child } from './bookkeeping.ts';

export const childPrefix = 'child:';

/** The part of the fold that events of children change. */
interface FamilyFold {
  readonly seq: number;
  child(name: string): Child | undefined;
  childName(run: string, birth: string): string | undefined;
  remember(field: string, value: unknown): void;
}

/** What events of children do to the bookkeeping. */
export const rememberedOfChildren: Readonly<
  Record<string, (fold: FamilyFold, data: unknown) => void>
> = {
  'child.starting': (fold, data) => {
    const { name, run, birth, attached } = data as ChildStarting;
    fold.remember(childPrefix + name, { run, birth, attached, seq: 0 } satisfies Child);
  },
  'child.started': (fold, data) => {
    const { name } = data as ChildStart;
    const child = fold.child(name);
    // Created anew after Redis had forgotten it, it is still where it was in the order of things.
    const seq = child?.seq === 0 ? fold.seq + 1 : child?.seq;
    if (child !== undefined && seq !== undefined) {
      fold.remember(childPrefix + name, { ...child, seq });
    }
  },
  'child.refused': (fold, data) => {
    fold.remember(childPrefix + (data as ChildRefused).name, undefined);
  },
  'child.ended': (fold, data) => {
    const end = data as ChildEnd;
    const told = newlyEnded(fold, end);
    if (told !== undefined) fold.remember(childPrefix + told.name, { ...told.child, end });
  },
};

/**
 * The child that this end is news of; undefined when the fold knows it, or a later one, or has no such child (any more).
 * An end may be told of by a message and found by looking, in either order and by two workers. What is no news is not
 * written.
 */
export function newlyEnded(
  fold: Pick<FamilyFold, 'child' | 'childName'>,
  { run, birth, fence }: Pick<ChildEnd, 'run' | 'birth' | 'fence'>,
): { readonly name: string; readonly child: Child } | undefined {
  const name = fold.childName(run, birth);
  const child = name === undefined ? undefined : fold.child(name);
  if (name === undefined || child === undefined) return undefined;
  return (child.end?.fence ?? 0) >= fence ? undefined : { name, child };
}
