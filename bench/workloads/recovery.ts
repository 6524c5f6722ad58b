/** From SIGKILL of the worker that holds a run to the run's next step on another worker. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import type { RecoverySetup } from '../recovery-main.ts';
import { sharedClock } from '../timing.ts';
import { type Arena, type Contender, latency, type Workload } from '../workload.ts';

const main = fileURLToPath(new URL('../recovery-main.js', import.meta.url));

interface Told {
  readonly at: number;
  readonly run?: string;
  readonly step?: number;
  readonly ready?: true;
}

/** Two workers; one that is killed is replaced before the next kill. */
class Fleet {
  readonly #setup: RecoverySetup;
  readonly #workers = new Set<ChildProcess>();
  #onStep: (worker: ChildProcess, told: Told) => void = () => undefined;

  constructor(setup: RecoverySetup) {
    this.#setup = setup;
  }

  async fill(): Promise<void> {
    while (this.#workers.size < 2) {
      const worker = fork(main, [JSON.stringify(this.#setup)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      this.#workers.add(worker);
      await new Promise<void>((resolve) => {
        worker.on('message', (told: Told) => {
          if (told.ready === true) resolve();
          else this.#onStep(worker, told);
        });
      });
    }
  }

  /** The next step of a run that fits, and the worker that tells of it. */
  step(fits: (worker: ChildProcess, told: Told) => boolean): Promise<[ChildProcess, Told]> {
    return new Promise((resolve) => {
      this.#onStep = (worker, told) => {
        if (fits(worker, told)) resolve([worker, told]);
      };
    });
  }

  async kill(worker: ChildProcess): Promise<number> {
    const at = sharedClock();
    worker.kill('SIGKILL');
    this.#workers.delete(worker);
    await Promise.resolve();
    return at;
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#workers].map(async (worker) => {
        const gone = once(worker, 'exit');
        worker.kill('SIGKILL');
        await gone;
      }),
    );
  }
}

interface Caller {
  start(id: string): Promise<void>;
  close(): Promise<void>;
}

async function pawlCaller(url: string): Promise<Caller> {
  const counting = defineWorkflow({
    name: 'counting',
    input: z.object({ id: z.string() }),
    run: () => Promise.resolve(),
  });
  const pawl = await Pawl.open({ redis: url });
  return {
    start: async (id) => {
      await pawl.start(counting, { id }, { id });
    },
    close: () => pawl.close(),
  };
}

function bullCaller(url: string): Caller {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue('counting', { connection });
  return {
    start: async (id) => {
      await queue.add('run', { id, step: 0 });
    },
    close: async () => {
      await queue.close();
      connection.disconnect();
    },
  };
}

async function killAndWait(
  { url, quick }: Arena,
  kind: RecoverySetup['kind'],
  kills: { readonly quick: number; readonly full: number },
): Promise<number[]> {
  const fleet = new Fleet({ kind, url });
  const caller = kind === 'pawl' ? await pawlCaller(url) : bullCaller(url);
  const times: number[] = [];
  try {
    for (let kill = 0; kill < (quick ? kills.quick : kills.full); kill++) {
      await fleet.fill();
      // Presence and locks of new workers settle.
      await pause(200);
      const run = `r${kill}`;
      const third = fleet.step((_worker, told) => told.run === run && told.step === 3);
      await caller.start(run);
      const [holder] = await third;
      const next = fleet.step((worker, told) => worker !== holder && told.run === run);
      const killedAt = await fleet.kill(holder);
      const [, { at }] = await next;
      times.push(at - killedAt);
    }
  } finally {
    await fleet.close();
    await caller.close();
  }
  return times;
}

function contender(
  kind: RecoverySetup['kind'],
  kills: { readonly quick: number; readonly full: number },
): Contender {
  return {
    name: kind === 'bullmq' ? 'bullmq, defaults' : kind,
    measure: async (arena) => ({ latency: await killAndWait(arena, kind, kills) }),
  };
}

export const recovery: Workload = {
  name: 'recovery',
  title: 'From SIGKILL of the worker to the next step on another one',
  figures: [latency],
  baseline: 'bullmq, tuned',
  contenders: [
    { ...contender('bullmq', { quick: 1, full: 1 }), slow: true },
    contender('bullmq, tuned', { quick: 1, full: 3 }),
    contender('pawl', { quick: 3, full: 20 }),
  ],
  durable: false,
};
