/** Scans are megabytes each: too much for Redis, so they lie in files, and the run refers to them. */
import { defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

const scanBytes = 2_000_000;

export const scan = defineWorkflow({
  name: 'scan',
  input: z.object({ sheets: z.int().positive() }),
  async run(ctx, { sheets }) {
    let black = 0;
    for (let sheet = 1; sheet <= sheets; sheet++) {
      // The result is a value like any other. That it is large is said in one place: `Pawl.open({ blobs })`.
      const image = await ctx.step(`scan:${sheet}`, async () => {
        await pretend(`scan sheet ${sheet}`);
        return new Uint8Array(scanBytes).fill(sheet);
      });
      black += await ctx.step(`read:${sheet}`, async () => {
        await pretend(`read sheet ${sheet}`);
        return image.reduce((sum, pixel) => sum + pixel, 0) / scanBytes;
      });
    }
    return { sheets, black };
  },
});
