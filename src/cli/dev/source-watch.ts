/** Tells when a source file in a folder has changed, or in one below it that is no folder of packages. */
import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const sources = /\.([cm]?[jt]sx?|json)$/;
/** An editor writes a file in several steps. */
const settleMs = 100;

/** Returns the way to stop. */
export async function watchSources(folder: string, onChange: () => void): Promise<() => void> {
  let timer: NodeJS.Timeout | undefined;
  const hear = (_: unknown, name: string | null): void => {
    if (name === null || !sources.test(name) || name.includes('node_modules')) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, settleMs);
  };
  const watchers: FSWatcher[] = [watch(folder, hear)];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const isOwn =
      entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.');
    if (isOwn) watchers.push(watch(join(folder, entry.name), { recursive: true }, hear));
  }
  // A folder that goes away is no reason to end.
  for (const one of watchers) one.on('error', () => one.close());
  return () => {
    clearTimeout(timer);
    for (const one of watchers) one.close();
  };
}
