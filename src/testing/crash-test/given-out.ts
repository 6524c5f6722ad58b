/** What a run has given out, as its readers are left with it, and what must not be wrong with it. */
import { decode } from '../../core/codec.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { StoredChunk } from '../../core/outputs.ts';
import type { RunStore } from '../../core/store.ts';

/** What a reader knows of the place of a chunk. */
export type PlacedChunk = Pick<StoredChunk, 'number' | 'output' | 'step' | 'epoch'>;

/** Every chunk of a run that is kept, in order. */
export async function chunksOf(
  store: Pick<RunStore, 'outputs'>,
  run: string,
): Promise<readonly StoredChunk[]> {
  const all: StoredChunk[] = [];
  for (;;) {
    const after = all.at(-1)?.number ?? 0;
    const page = await store.outputs.read({ run, after, limit: fixedLimits.chunksPerPage });
    all.push(...page);
    if (page.length === 0) return all;
  }
}

/** Numbers are dense, an epoch begins with its first chunk, and none goes on when a newer one has begun. */
export function misplacedChunks(chunks: readonly PlacedChunk[]): string[] {
  const epochs = new Map<string, number>();
  return chunks.flatMap(({ number, output, step, epoch }, i) => {
    const what = `chunk ${number} of output ${output}, step "${step}"`;
    const place = JSON.stringify([output, step]);
    const before = epochs.get(place) ?? 0;
    epochs.set(place, Math.max(before, epoch));
    const problems: string[] = [];
    if (i > 0 && number !== (chunks[i - 1]?.number ?? 0) + 1)
      problems.push(`${what} comes after a gap`);
    if (epoch < before)
      problems.push(`${what} is of the dead epoch ${epoch}, after ${before} has begun`);
    if (epoch > before && epoch !== number)
      problems.push(`${what} is of epoch ${epoch}, which no chunk began`);
    return problems;
  });
}

/** Values by output and step, without those of dead epochs. */
export function valuesGivenOut(
  chunks: readonly StoredChunk[],
): Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> {
  const left: Record<string, Record<string, unknown[]>> = {};
  for (const { number, output, step, epoch, data } of chunks) {
    const ofOutput = (left[output] ??= {});
    if (epoch === number) ofOutput[step] = [];
    (ofOutput[step] ??= []).push(decode(data, { key: 'chunk', seq: number }));
  }
  return left;
}
