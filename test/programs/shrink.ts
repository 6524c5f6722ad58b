/** Makes a failing program smaller, as long as it still fails. */
import type { Part, Program } from './program.ts';

/** The smallest program found by leaving out one thing after the other, while `fails` says so and there is time. */
export async function shrink(
  program: Program,
  fails: (smaller: Program) => Promise<boolean>,
  { ms }: { readonly ms: number },
): Promise<Program> {
  const until = performance.now() + ms;
  let smallest = program;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of smallerThan(smallest)) {
      if (performance.now() > until) return smallest;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

function* smallerThan(program: Program): Generator<Program> {
  const { parts, happens = [], isGraph = false } = program;
  for (const less of withoutOne(happens)) yield { ...program, happens: less };
  for (const less of smallerLists(parts)) yield { ...program, parts: less };
  if (isGraph) yield { ...program, isGraph: false };
  const { key, ...others } = program;
  if (key !== undefined) yield others;
}

/** Lists of parts with one less, or with one part made smaller. */
function* smallerLists(parts: readonly Part[]): Generator<readonly Part[]> {
  if (parts.length > 1) yield* withoutOne(parts);
  for (const [at, part] of parts.entries()) {
    for (const smaller of smallerParts(part)) yield parts.toSpliced(at, 1, ...smaller);
  }
}

function* smallerParts(part: Part): Generator<readonly Part[]> {
  if (part.kind === 'child') {
    yield part.of.parts;
    for (const parts of smallerLists(part.of.parts)) yield [{ ...part, of: { ...part.of, parts } }];
    return;
  }
  if (!('of' in part)) return;
  for (const one of part.of) yield [one];
  for (const of of smallerLists(part.of)) yield [{ ...part, of }];
}

function* withoutOne<T>(list: readonly T[]): Generator<readonly T[]> {
  for (const at of list.keys()) yield list.toSpliced(at, 1);
}
