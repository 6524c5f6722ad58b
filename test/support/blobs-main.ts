/**
 * A worker process whose blob store is slow after each put: `node blobs-main.js '{"url":…,"prefix":…,"folder":…}'`. So a
 * SIGKILL comes between a blob and the commit that refers to it, more often than not.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Pawl } from 'pawl';
import { FileBlobStore } from 'pawl/file';
import { sheets } from './sheets.ts';

const { url, prefix, folder } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const files = await FileBlobStore.open(folder ?? '', { fsync: false });
const store = {
  put: async (address: string, bytes: Uint8Array): Promise<void> => {
    await files.put(address, bytes);
    await pause(15);
  },
  get: (address: string): Promise<Uint8Array | undefined> => files.get(address),
  delete: (address: string): Promise<void> => files.delete(address),
};
const pawl = await Pawl.open({
  redis: url ?? '',
  prefix: prefix ?? '',
  blobs: { store, overBytes: 1_000 },
});
// Who is killed every few moments has done nothing wrong.
const worker = pawl.worker({ workflows: [sheets], quarantineAfter: 1_000 });
await worker.ready();
process.stdout.write(`${JSON.stringify({ message: 'ready', worker: worker.id })}\n`);
