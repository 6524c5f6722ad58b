/** Workers, each a process of its own: how many steps a second they do together. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pawl } from '../../src/index.ts';
import type { Curve, Field } from './curve.ts';
import { fewSteps, stepsPerRun } from './few-steps.ts';
import { median } from '../statistics.ts';

const main = fileURLToPath(new URL('worker-main.js', import.meta.url));

export async function growthOfWorkers({ url, quick }: Field): Promise<Omit<Curve, 'name'>> {
  const sizes = quick ? [1, 2, 4] : [1, 2, 4, 8];
  const runs = quick ? 100 : 400;
  // So many rounds warm the processes up: each of eight sees an eighth of the runs.
  const [warmUps, counted] = quick ? [1, 2] : [4, 5];
  const points: { at: number; values: Record<string, number> }[] = [];
  for (const at of sizes) {
    const rounds = await withWorkers(url, at, async (pawl) => {
      const rates: number[] = [];
      for (let round = 0; round < warmUps + counted; round++) {
        const before = performance.now();
        const started = await Promise.all(
          Array.from({ length: runs }, () => pawl.start(fewSteps, undefined)),
        );
        await Promise.all(started.map((run) => run.result()));
        if (round >= warmUps)
          rates.push((runs * stepsPerRun * 1000) / (performance.now() - before));
      }
      return rates;
    });
    points.push({ at, values: { steps: median(rounds) } });
  }
  const title = 'Steps of all workers together, by worker processes';
  return { title, x: 'worker processes', unit: 'steps per s', points };
}

async function withWorkers<T>(
  url: string,
  count: number,
  work: (pawl: Pawl) => Promise<T>,
): Promise<T> {
  const children = Array.from({ length: count }, () =>
    fork(main, [url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  );
  try {
    await Promise.all(children.map((child) => once(child, 'message')));
    const pawl = await Pawl.open({ redis: url });
    try {
      return await work(pawl);
    } finally {
      await pawl.close();
    }
  } finally {
    await Promise.all(
      children.map(async (child) => {
        const gone = once(child, 'exit');
        child.disconnect();
        await gone;
      }),
    );
  }
}
