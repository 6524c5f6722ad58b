/** The tags of a run, in one line. */
import type { RunInfo } from '../engine/runs/run-info.ts';
import { visible } from './words.ts';

export function tagsOf({ tags }: Pick<RunInfo, 'tags'>): string {
  return visible(
    Object.entries(tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  );
}
