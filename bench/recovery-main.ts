/**
 * A worker process that is going to be killed: `recovery-main.js '{"kind":…,"url":…}'`. Tells its parent of each step
 * with the moment it began. The run counts steps for ever; where it goes on after a death is the contender's affair.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../src/index.ts';
import { sharedClock } from './timing.ts';

export interface RecoverySetup {
  readonly kind: 'pawl' | 'bullmq' | 'bullmq, tuned';
  readonly url: string;
}

const stepMs = 20;
/** Long enough for every contender to be measured, short enough that few runs are there at once. */
const stepsMax = 150;

function tell(message: object): void {
  process.send?.({ at: sharedClock(), ...message });
}

async function openPawl(url: string): Promise<void> {
  const counting = defineWorkflow({
    name: 'counting',
    input: z.object({ id: z.string() }),
    async run(ctx, { id }) {
      for (let step = 0; step < stepsMax; step++) {
        await ctx.step(`s${step}`, async () => {
          tell({ run: id, step });
          await pause(stepMs);
        });
      }
    },
  });
  const pawl = await Pawl.open({ redis: url });
  await pawl.worker({ workflows: [counting] }).ready();
}

async function openBull(url: string, tuned: boolean): Promise<void> {
  const worker = new Worker<{ id: string; step: number }>(
    'counting',
    async (job) => {
      const { id } = job.data;
      for (let { step } = job.data; step < stepsMax; step++) {
        tell({ run: id, step });
        await pause(stepMs);
        await job.updateData({ id, step: step + 1 });
      }
    },
    {
      connection: new Redis(url, { maxRetriesPerRequest: null }),
      concurrency: 50,
      // The fastest that makes sense: shorter locks are lost by a busy event loop.
      ...(tuned ? { lockDuration: 1_000, stalledInterval: 500, maxStalledCount: 100 } : {}),
    },
  );
  await worker.waitUntilReady();
}

const { kind, url } = JSON.parse(process.argv[2] ?? '{}') as RecoverySetup;
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
await (kind === 'pawl' ? openPawl(url) : openBull(url, kind === 'bullmq, tuned'));
tell({ ready: true });
