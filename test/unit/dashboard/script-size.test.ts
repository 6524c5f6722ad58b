// Goal: a page comes fast also on a slow line. Method: the script and the style that the pages load, as they are sent.
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { script, style } from '../../../src/dashboard/pages.gen.ts';

test('the script is below 60 kB gzipped, the style below 15 kB', () => {
  expect(gzipSync(script).length).toBeLessThan(60_000);
  expect(gzipSync(style).length).toBeLessThan(15_000);
});
