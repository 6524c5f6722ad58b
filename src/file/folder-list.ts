/**
 * Runs in a folder, the one last updated first. The disk knows when a file was changed, so only the runs of a page are
 * opened. The cursor is the last run's time and id, so that runs that come meanwhile shift nothing.
 */
import type { LoopInfo, LoopListOptions } from '../core/checkpointer.ts';
import { InvalidError } from '../core/errors.ts';
import { listIds, RunFolder } from './run-folder.ts';

type Place = readonly [updatedAt: number, run: string];

export async function listRunFolders(
  root: string,
  options: LoopListOptions & { readonly limit: number },
  info: (run: string) => Promise<LoopInfo | undefined>,
): Promise<{ readonly runs: readonly LoopInfo[]; readonly cursor: string | undefined }> {
  const { workflow, status, limit } = options;
  const after = options.cursor === undefined ? undefined : parseCursor(options.cursor);
  const places = await Promise.all(
    (await listIds(root)).map(async (run): Promise<Place> => [
      await new RunFolder(root, run).updatedAt(),
      run,
    ]),
  );
  places.sort(newestFirst);
  const runs: LoopInfo[] = [];
  for (const place of places) {
    if (after !== undefined && newestFirst(after, place) >= 0) continue;
    const found = await info(place[1]);
    if (found === undefined) continue;
    if (workflow !== undefined && found.workflow !== workflow) continue;
    if (status !== undefined && found.status !== status) continue;
    runs.push(found);
    if (runs.length === limit) return { runs, cursor: place.join(':') };
  }
  return { runs, cursor: undefined };
}

function newestFirst(a: Place, b: Place): number {
  if (a[0] !== b[0]) return b[0] - a[0];
  return a[1] === b[1] ? 0 : a[1] < b[1] ? 1 : -1;
}

function parseCursor(cursor: string): Place {
  const match = /^(\d+(?:\.\d+)?):(.+)$/.exec(cursor);
  if (match === null) {
    throw new InvalidError('cursor', 'is not one that a page before has returned.');
  }
  return [Number(match[1]), match[2] ?? ''];
}
