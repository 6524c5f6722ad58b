/** hillstar: a folder of `checkpoint_<node>_<time>.json`, each with `timestamp`, `node_id` and `state`. One folder, one run. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidError } from '../core/errors.ts';
import { type ForeignRun, parseObject, textOf } from './foreign-run.ts';

const pattern = /^checkpoint_.+\.json$/;

export async function isHillstar(path: string): Promise<boolean> {
  const names = await readdir(path).catch((): string[] => []);
  return names.some((name) => pattern.test(name)) || names.includes('checkpoints');
}

/** `path`: the folder of the checkpoints, or the one around it. The run has the name of the latter. */
export async function readHillstar(path: string): Promise<ForeignRun[]> {
  const around = basename(resolve(path)) === 'checkpoints' ? dirname(resolve(path)) : resolve(path);
  const inside = (await readdir(path)).includes('checkpoints') ? join(path, 'checkpoints') : path;
  const names = (await readdir(inside)).filter((name) => pattern.test(name));
  if (names.length === 0) throw new InvalidError(path, 'holds no checkpoint_<node>_<time>.json.');
  const checkpoints = await Promise.all(
    names.map(async (name) => {
      const found = parseObject(await readFile(join(inside, name), 'utf8'), join(inside, name));
      const node = textOf(found, 'node_id', name);
      // Without a time zone it is the time of the machine it was written on.
      const at = Date.parse(textOf(found, 'timestamp', name));
      const { state } = found;
      if (Number.isNaN(at)) throw new InvalidError(name, 'has no time as its timestamp.');
      if (typeof state !== 'object' || state === null || Array.isArray(state)) {
        throw new InvalidError(name, 'has no object as its state.');
      }
      return { name, node, at, state: state as Record<string, unknown> };
    }),
  );
  checkpoints.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
  return [
    {
      id: basename(around),
      workflow: 'hillstar',
      source: 'hillstar',
      at: checkpoints[0]?.at ?? 0,
      events: checkpoints.map(({ name, node, at, state }) => ({
        type: 'hillstar.checkpoint',
        at,
        data: { node },
        kept: { state, node, label: node, metadata: { file: name } },
      })),
    },
  ];
}
