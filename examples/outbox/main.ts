/**
 * `npm run example -- outbox`: the relay dies after it has started the runs and before the database knows, and the worker
 * dies while runs end. Each order has one run, and one receipt.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Stage } from '../support/stage.ts';
import { WorkerProcess } from '../support/worker.ts';
import { Shop } from './shop.ts';

const orders = 200;
const program = new URL('./relay-process.js', import.meta.url);
const module = new URL('./workflow.js', import.meta.url);

export async function main(stage: Stage): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-outbox-'));
  try {
    await play(stage, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function play(stage: Stage, folder: string): Promise<void> {
  const shop = new Shop(folder);
  for (let n = 1; n <= orders; n++) await shop.order(`order-${n}`, n * 100);

  const relay = { program, module: pathToFileURL(folder) };
  await killedAt(stage, { ...relay, label: 'relay 1' }, /^started/);
  await killedAt(stage, { module, label: 'worker 1' }, /^receipt/);
  const secondRelay = await WorkerProcess.start(stage, { ...relay, label: 'relay 2' });
  const secondWorker = await WorkerProcess.start(stage, { module, label: 'worker 2' });
  while ((await shop.receipts()) < orders || (await shop.pending()).length > 0) await sleep(50);
  await secondRelay.stop();
  await secondWorker.stop();

  const { runs } = await stage.pawl.list({ workflow: 'order', limit: 500 });
  stage.say(`orders: ${orders}, runs: ${runs.length}, receipts: ${await shop.receipts()}`);
}

/** Starts a process, and kills it when it says such words. */
async function killedAt(
  stage: Stage,
  options: { readonly label: string; readonly module: URL; readonly program?: URL },
  words: RegExp,
): Promise<void> {
  let onWords: () => void = () => undefined;
  const said = new Promise<void>((resolve) => {
    onWords = resolve;
  });
  const onLine = (line: string): void => {
    if (words.test(line)) onWords();
  };
  const worker = await WorkerProcess.start(stage, { ...options, onLine });
  await said;
  await worker.kill();
  stage.say(`${options.label} was killed (SIGKILL); another process goes on`);
}
