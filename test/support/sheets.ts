/** Runs whose every value is large: each sheet is 4 kB that nobody can guess, and the output is their hash. */
import { createHash, randomBytes } from 'node:crypto';
import { defineWorkflow } from 'pawl';
import { z } from 'zod';

export const sheetBytes = 4_000;

export function hashOf(sheets: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const sheet of sheets) hash.update(sheet);
  return hash.digest('hex');
}

export const sheets = defineWorkflow({
  name: 'sheets',
  input: z.object({ cover: z.instanceof(Uint8Array), count: z.int() }),
  async run(ctx, { cover, count }) {
    const all: Uint8Array[] = [cover];
    for (let i = 0; i < count; i++) {
      all.push(await ctx.step(`sheet:${i}`, () => new Uint8Array(randomBytes(sheetBytes))));
    }
    return { hash: hashOf(all), all };
  },
});
