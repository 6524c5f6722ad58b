/**
 * simple_agents: a file `<run>.json` for each run, with `run_id`, `workflow_name`, `step`, `next_node_id` and
 * `scope_snapshot`. A folder of them is as many runs.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidError } from '../core/errors.ts';
import { type ForeignRun, parseObject, textOf } from './foreign-run.ts';

export async function isSimpleAgents(path: string): Promise<boolean> {
  const [file] = await files(path).catch(() => []);
  if (file === undefined) return false;
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.includes('"next_node_id"') && text.includes('"scope_snapshot"');
}

export async function readSimpleAgents(path: string): Promise<ForeignRun[]> {
  const found = await files(path);
  if (found.length === 0) throw new InvalidError(path, 'holds no <run>.json.');
  return Promise.all(found.map(readOne));
}

async function files(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  return names.map((name) => join(path, name));
}

/** The state has what the file has: `step`, `next_node_id`, and the scope as `scope`. */
async function readOne(file: string): Promise<ForeignRun> {
  const found = parseObject(await readFile(file, 'utf8'), file);
  const node = textOf(found, 'next_node_id', file);
  const { step, scope_snapshot: scope } = found;
  if (typeof step !== 'number') throw new InvalidError(file, 'has no number as its step.');
  // The file does not say when; the file system does.
  const at = Math.floor((await stat(file)).mtimeMs);
  const state = { step, next_node_id: node, scope };
  return {
    id: textOf(found, 'run_id', file),
    workflow: textOf(found, 'workflow_name', file),
    source: 'simple_agents',
    at,
    events: [
      {
        type: 'simple_agents.checkpoint',
        at,
        data: { step, next_node_id: node },
        kept: { state, node, label: `step ${step}` },
      },
    ],
  };
}
