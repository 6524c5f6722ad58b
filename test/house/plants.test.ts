// Goal: the slowdowns that try the guard of speed do not rot. Method: every passage stands in its source exactly once.
import { expect, test } from 'vitest';
import { plants } from '../../bench/guard/plants.ts';
import { source } from './sources.ts';

test.each(plants.map((plant) => [plant.what, plant] as const))('%s', (_what, { file, passage }) => {
  expect(source(`src/${file}`).text.split(passage)).toHaveLength(2);
});
