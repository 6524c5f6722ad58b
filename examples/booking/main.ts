/** `npm run example -- booking`: a trip that fails and is undone; the worker dies in the middle of the undoing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stage } from '../support/stage.ts';
import { WorkerProcess } from '../support/worker.ts';
import { linesOf } from './agency.ts';
import { trip } from './workflow.ts';

const resultMsMax = 30_000;

export async function main(stage: Stage): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-example-'));
  const ledger = join(folder, 'ledger');
  const module = new URL('./workflow.js', import.meta.url);
  try {
    let onCancel: () => void = () => undefined;
    const inTheMiddle = new Promise<void>((resolve) => {
      onCancel = resolve;
    });
    const onLine = (line: string): void => {
      if (line.includes('cancel the flight')) onCancel();
    };
    const first = await WorkerProcess.start(stage, { label: 'worker 1', module, onLine });
    const run = await stage.pawl.start(trip, { ledger, cents: 9900 });
    await inTheMiddle;
    await first.kill();
    stage.say('worker 1 was killed (SIGKILL); another process goes on');
    const second = await WorkerProcess.start(stage, { label: 'worker 2', module });
    await run.result({ timeoutMs: resultMsMax }).catch((failure: Error) => {
      stage.say(`the run: ${failure.message}`);
    });
    await second.stop();
    stage.say(`its state: ${JSON.stringify(await run.state())}`);
    stage.say(`the ledger:\n  ${(await linesOf(ledger)).join('\n  ')}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
