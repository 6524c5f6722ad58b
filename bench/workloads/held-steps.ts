/** Steps of runs that are at work already: what a step costs without the start and the end of its run. */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { clientTime, measureCost, serverTime } from '../cpu-time.ts';
import { type Contender, rate, type Workload } from '../workload.ts';

type Step = (turn: number) => Promise<unknown>;

/** `steps` are called in loops that each await their own. */
function contender(
  name: string,
  open: (
    url: string,
    runs: number,
  ) => Promise<{ readonly steps: readonly Step[]; readonly close: () => Promise<void> }>,
): (runs: number) => Contender {
  return (runs) => ({
    name,
    async measure(arena) {
      const { steps, close } = await open(arena.url, runs);
      const samples = await measureCost(arena, { loops: runs, size: 1 }, (loop, turn) => {
        const step = steps[loop];
        if (step === undefined) throw new Error('a run is missing');
        return step(turn);
      });
      await close();
      return samples;
    },
  });
}

const raw = contender('raw', async (url, runs) => {
  const redis = new Redis(url);
  const step =
    (run: number): Step =>
    (turn) => {
      const result = JSON.stringify({ step: turn });
      return Promise.all([
        redis.xadd(`log:${run}`, '*', 'type', 'step', 'data', result),
        redis.hset(`run:${run}`, 'step', turn, 'state', result),
      ]);
    };
  return {
    steps: Array.from({ length: runs }, (_, run) => step(run)),
    close: async () => redis.disconnect(),
  };
});

const bullmq = contender('bullmq', async (url, runs) => {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue('bench', { connection });
  const jobs = await Promise.all(
    Array.from({ length: runs }, (_, run) => queue.add(`r${run}`, { step: 0 })),
  );
  return {
    steps: jobs.map((job) => (turn) => job.updateData({ step: turn })),
    close: async () => {
      await queue.close();
      connection.disconnect();
    },
  };
});

const pawl = contender('pawl', async (url, runs) => {
  const steps: Step[] = [];
  let allHere = (): void => undefined;
  const here = new Promise<void>((resolve) => (allHere = resolve));
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const stepping = defineWorkflow({
    name: 'stepping',
    async run(ctx) {
      steps.push((turn) => ctx.step(`s${turn}`, () => ({ step: turn })));
      if (steps.length === runs) allHere();
      await finished;
    },
  });
  const front = await Pawl.open({ redis: url });
  front.worker({ workflows: [stepping], concurrency: runs });
  const started = await Promise.all(
    Array.from({ length: runs }, () => front.start(stepping, undefined)),
  );
  await here;
  return {
    steps,
    close: async () => {
      finish();
      await Promise.all(started.map((run) => run.result()));
      await front.close();
    },
  };
});

const common = { figures: [rate, clientTime, serverTime], baseline: 'raw', durable: true };

export const heldSteps: readonly Workload[] = [
  {
    ...common,
    name: 'step-one',
    title: 'Steps of one run at work, each awaited',
    contenders: [raw(1), bullmq(1), pawl(1)],
  },
  {
    ...common,
    name: 'step-64',
    title: 'Steps of 64 runs at work, each awaited',
    contenders: [raw(64), bullmq(64), pawl(64)],
  },
];
