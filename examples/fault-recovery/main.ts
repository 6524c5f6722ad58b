/** `npm run example -- fault-recovery`: a crash, then two failures, then `run.resume()`; the models are built one time. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PawlError } from 'pawl';
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { film } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-example-'));
  const licenceServer = join(folder, 'licence-server-is-up');
  try {
    await killAndResume(stage, {
      workflow: film,
      module: new URL('./workflow.js', import.meta.url),
      input: { scenes: 3, licenceServer },
      killAt: 'render all frames',
      async meanwhile(run) {
        await failure();
        await writeFile(licenceServer, 'until May');
        stage.say('somebody starts the licence server and resumes the run');
        await run.resume({ actor: 'operator', reason: 'licence server is up again' });

        const { cause } = (await failure()).cause as { cause?: { name: string; since: string } };
        stage.say(`nothing was tried again: ${cause?.name}, since ${cause?.since}`);
        await writeFile(licenceServer, 'for good');
        stage.say('somebody buys a licence and resumes the run');
        await run.resume({ actor: 'operator', reason: 'there is a licence' });

        async function failure(): Promise<PawlError> {
          const error = await run.result().catch((reason: unknown) => reason);
          if (!PawlError.is(error) || error.code !== 'PAWL_RUN_FAILED') throw error;
          stage.say(`the run failed: ${error.message}`);
          for await (const { type, data } of run.events()) {
            if (type === 'step.retried') stage.say(`tried again: ${data.name}`);
          }
          return error;
        }
      },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
