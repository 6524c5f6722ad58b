/** `npm run example -- scan`: sheets of two megabytes each, in a folder beside Redis; none is scanned twice. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pawl } from 'pawl';
import { FileBlobStore } from 'pawl/file';
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { scan } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-example-'));
  // The workers inherit it: all of them need the same store.
  process.env['PAWL_EXAMPLE_BLOBS'] = folder;
  try {
    const blobs = { store: await FileBlobStore.open(folder) };
    await using pawl = await Pawl.open({ redis: stage.redis, prefix: stage.prefix, blobs });
    const { run } = await killAndResume(
      { ...stage, pawl },
      {
        workflow: scan,
        module: new URL('./workflow.js', import.meta.url),
        input: { sheets: 3 },
        killAt: 'read sheet 2',
      },
    );
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.includes('.'));
    const { log } = await pawl.memory(run.id);
    stage.say(files.length >= 3 ? 'the sheets lie in files' : 'sheets are missing');
    stage.say(`the log takes ${log < 100_000 ? 'little' : 'too much'} of Redis`);
  } finally {
    delete process.env['PAWL_EXAMPLE_BLOBS'];
    await rm(folder, { recursive: true });
  }
}
