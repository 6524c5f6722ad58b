/** Plays the commands of the documentation, in a folder that has what the pages speak of. */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import initSqlJs from 'sql.js';
import { cliEnv } from '../cli.ts';

export interface Shell {
  readonly folder: string;
  readonly redisUrl: string;
  readonly prefix: string;
  /** The compiled command. */
  readonly cli: string;
}

/** Files that the commands and blocks read. */
export async function furnish(folder: string): Promise<void> {
  await mkdir(join(folder, 'archive'));
  const checkpoints = join(folder, 'out/batch-7/checkpoints');
  await mkdir(checkpoints, { recursive: true });
  await writeFile(
    join(checkpoints, 'checkpoint_load_20260207_100001.json'),
    JSON.stringify({ timestamp: '2026-02-07T10:00:01.25', node_id: 'load', state: { rows: [1] } }),
  );
  const { Database } = await initSqlJs();
  const database = new Database();
  database.run('CREATE TABLE events (id INTEGER PRIMARY KEY, run_id TEXT, seq INTEGER, data TEXT)');
  database.run('CREATE TABLE snapshots (run_id TEXT PRIMARY KEY, state TEXT)');
  database.run(`INSERT INTO snapshots VALUES ('pa-1', '{"step":2}')`);
  await writeFile(join(folder, 'checkpoints.db'), database.export());
}

/** Those that go on until somebody ends them. */
const untilCtrlC = /\bpawl (?:ui|dev)\b/;

/** What is wrong with how a command ended; undefined when nothing is. */
export async function play(command: string, shell: Shell): Promise<string | undefined> {
  const goesOn = untilCtrlC.test(command);
  // Blocks are played side by side, and somebody else may have the usual port.
  const line = goesOn && !command.includes('--port') ? `${command} --port 0` : command;
  const script = `
    pawl() { "$NODE" "$CLI" "$@"; }
    npx() { "$@"; }
    redis-cli() { command redis-cli -u "$PAWL_REDIS" "$@"; }
    set -o pipefail
    ${goesOn ? line.replace(/\bpawl /, 'exec "$NODE" "$CLI" ') : line}`;
  const { cli: CLI, redisUrl, prefix, folder: cwd } = shell;
  const own = { CLI, NODE: process.execPath, PAWL_REDIS: redisUrl, PAWL_PREFIX: prefix };
  const env = cliEnv({ ...own, PAWL_ACTOR: 'ada' });
  const child = spawn('bash', ['-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (data: Buffer): void => {
    said += String(data);
    if (goesOn && said.includes('Ctrl-C')) child.kill('SIGINT');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const code = await new Promise((resolve) => {
    child.on('close', (exit, signal) => resolve(signal ?? exit));
  });
  const isFine = code === 0 || (goesOn && code === 130 && said.includes('Ctrl-C'));
  return isFine ? undefined : `ends with ${String(code)}: ${said}`;
}
