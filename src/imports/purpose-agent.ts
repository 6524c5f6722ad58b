/**
 * purpose_agent: a folder for each run with `events.jsonl` and `snapshot.json` (or its backup), in a folder of such; or one
 * SQLite file with the tables `events` and `snapshots`.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InvalidError, PackageMissingError } from '../core/errors.ts';
import { type ForeignEvent, type ForeignRun, parseObject } from './foreign-run.ts';

const source = 'purpose_agent';
const sqliteMagic = 'SQLite format 3\u0000';

export async function isPurposeAgentFolder(path: string): Promise<boolean> {
  return (await runFolders(path).catch(() => [])).length > 0;
}

export async function readPurposeAgentFolder(path: string): Promise<ForeignRun[]> {
  const folders = await runFolders(path);
  if (folders.length === 0) throw new InvalidError(path, 'holds no events.jsonl or snapshot.json.');
  return Promise.all(
    folders.map(async (folder) => {
      const lines = await textIn(folder, ['events.jsonl']);
      const events = (lines?.text ?? '').split('\n').flatMap((line, i) => {
        const where = `${join(folder, 'events.jsonl')} line ${i + 1}`;
        return line.trim() === '' ? [] : [parseObject(line, where)];
      });
      const saved = await textIn(folder, ['snapshot.json', 'snapshot.backup.json']);
      const state = saved && parseObject(saved.text, saved.file);
      return toRun(basename(resolve(folder)), events, state);
    }),
  );
}

export async function isPurposeAgentSqlite(path: string): Promise<boolean> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  return bytes.subarray(0, sqliteMagic.length).toString('latin1') === sqliteMagic;
}

/** @throws PackageMissingError when sql.js is not installed. */
export async function readPurposeAgentSqlite(path: string): Promise<ForeignRun[]> {
  const { default: open } = await import('sql.js').catch((error: unknown) => {
    throw new PackageMissingError('Reading a SQLite file', 'sql.js', error);
  });
  const { Database } = await open();
  const database = new Database(await readFile(path));
  try {
    const rows = (query: string): unknown[][] => database.exec(query)[0]?.values ?? [];
    const states = new Map(
      rows('SELECT run_id, state FROM snapshots').map(([run, state]) => [
        String(run),
        parseObject(String(state), `${path}, snapshot of ${String(run)}`),
      ]),
    );
    const events = new Map<string, Record<string, unknown>[]>();
    for (const [run, data] of rows('SELECT run_id, data FROM events ORDER BY run_id, seq, id')) {
      const of = events.get(String(run)) ?? [];
      events.set(String(run), of);
      of.push(parseObject(String(data), `${path}, event ${of.length + 1} of ${String(run)}`));
    }
    const runs = [...new Set([...states.keys(), ...events.keys()])].sort();
    return runs.map((run) => toRun(run, events.get(run) ?? [], states.get(run)));
  } catch (error) {
    if (error instanceof InvalidError) throw error;
    throw new InvalidError(path, `cannot be read: ${String(error)}. Nothing was imported.`);
  } finally {
    database.close();
  }
}

/** Events keep all that they had, as their data; in the order of their numbers, which pawl counts anew. */
function toRun(
  id: string,
  found: readonly Record<string, unknown>[],
  state: Record<string, unknown> | undefined,
): ForeignRun {
  const number = (event: Record<string, unknown>): number => Number(event['seq'] ?? 0);
  const events = found
    .toSorted((a, b) => number(a) - number(b))
    .map((data): ForeignEvent => {
      const { lane_id: branch, kind } = data;
      const name = typeof kind === 'string' ? kind : 'event';
      return {
        type: `${source}.${name.replace(/[^A-Za-z0-9_.-]/g, '_')}`,
        at: Math.round(Number(data['ts'] ?? 0) * 1000),
        data,
        ...(typeof branch === 'string' && branch !== 'main' ? { branch } : {}),
      };
    });
  const at = events[0]?.at ?? 0;
  return { id, workflow: source, source, at, events, ...(state === undefined ? {} : { state }) };
}

async function runFolders(path: string): Promise<string[]> {
  const names = await readdir(path);
  if (names.includes('events.jsonl') || names.includes('snapshot.json')) return [path];
  const found = await Promise.all(
    names.sort().map(async (name) => {
      const folder = join(path, name);
      if (!(await stat(folder)).isDirectory()) return [];
      const inside = await readdir(folder);
      return inside.includes('events.jsonl') || inside.includes('snapshot.json') ? [folder] : [];
    }),
  );
  return found.flat();
}

async function textIn(
  folder: string,
  names: readonly string[],
): Promise<{ readonly text: string; readonly file: string } | undefined> {
  for (const name of names) {
    const file = join(folder, name);
    const text = await readFile(file, 'utf8').catch((error: { code?: string }) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (text !== undefined) return { text, file };
  }
  return undefined;
}
