// Goal: whatever becomes of the workers that execute a graph, no node whose writes were acknowledged runs again, and a
// worker that has lost the run never adds to the thread. Method: real processes that get SIGKILL or are frozen until another
// one has the run; a diary has what ran and what was acknowledged; the thread is the witness of who wrote to it.
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../../src/index.ts';
import { graphStream } from '../../src/langgraph.ts';
import { compiled, killChildren, type NodeChild, spawnNode } from '../support/child.ts';
import { isThorough } from '../support/thorough.ts';
import { newPrefix } from '../support/workers.ts';
import { repeated } from './diaries.ts';
import type { GraphWorkerSetup } from './graph-worker-main.ts';
import { openSaver } from './savers.ts';

const until = isThorough ? 400 : 20;
const losses = isThorough ? 20 : 3;

const redis = new Redis(inject('redisUrl'), { lazyConnect: true });

afterAll(async () => {
  redis.disconnect();
  await killChildren();
});

/** The workers have the graph; who starts it needs its name. */
const counting = defineWorkflow({
  name: 'counting',
  input: z.object({ input: z.any() }),
  signals: { answer: z.any() },
  run: () => undefined,
});

interface Working {
  readonly child: NodeChild;
  readonly id: string;
}

async function startWorker(setup: GraphWorkerSetup): Promise<Working> {
  const child = spawnNode(compiled('test/langgraph/graph-worker-main.ts'), [JSON.stringify(setup)]);
  const { worker } = await child.waitFor(({ message }) => message === 'ready');
  return { child, id: String(worker) };
}

test(
  'a graph survives killed and frozen workers',
  { timeout: isThorough ? 300_000 : 60_000 },
  async () => {
    const prefix = newPrefix();
    const setup: GraphWorkerSetup = { url: inject('redisUrl'), prefix, diary: `${prefix}:diary` };
    const { saver } = await openSaver({ prefix });
    await using pawl = await Pawl.open({ redis: setup.url, prefix });
    let workers: Working[] = await Promise.all([
      startWorker(setup),
      startWorker(setup),
      startWorker(setup),
    ]);
    const run = await pawl.start(counting, { input: { n: 0, until } });

    const isOver = async (): Promise<boolean> => {
      const { status, waits } = await run.info();
      for (const { name } of waits) await run.answer(name, 'yes').catch(() => undefined);
      return !['queued', 'running', 'waiting', 'interrupted'].includes(status);
    };
    let lost = 0;
    while (!(await isOver())) {
      await sleep(20 + Math.random() * 100);
      const { worker: id } = await run.info();
      const holder = workers.find((one) => one.id === id);
      if (holder === undefined || lost >= losses) continue;
      lost += 1;
      if (lost % 4 !== 2) {
        holder.child.kill('SIGKILL');
        workers = [...workers.filter((one) => one !== holder), await startWorker(setup)];
        continue;
      }
      holder.child.kill('SIGSTOP');
      while (!(await isOver()) && (await run.info()).worker === id) await sleep(20);
      await sleep(50);
      holder.child.kill('SIGCONT');
    }

    const numbers = Array.from({ length: until }, (_, i) => i + 1);
    const sum = numbers.reduce((total, n) => total + 1001 * n, 0);
    expect(await run.result()).toMatchObject({ n: until, sum });
    expect(lost).toBeGreaterThanOrEqual(2);
    const diary = await redis.lrange(setup.diary, 0, -1);
    expect(diary.filter((line) => line.startsWith('acknowledged ')).length).toBeGreaterThan(until);
    expect(repeated(diary)).toEqual([]);

    // A checkpoint of a worker that has lost the run would have a sibling.
    const parents: string[] = [];
    for await (const { parentConfig } of saver.list({
      configurable: { thread_id: run.id, checkpoint_ns: '' },
    })) {
      const parent: unknown = parentConfig?.configurable?.['checkpoint_id'];
      if (typeof parent === 'string') parents.push(parent);
    }
    expect(new Set(parents).size).toBe(parents.length);

    // Who reads the stream, and drops what a superstep has said when it begins again, has each superstep's updates once.
    const told = new Map<string, string[]>();
    for await (const { step, begins, path, data } of graphStream(run, { live: false })) {
      const nodes =
        path.length > 0 ? [] : Object.keys(data as object).filter((key) => !key.startsWith('__'));
      told.set(step, [...(begins ? [] : (told.get(step) ?? [])), ...nodes]);
    }
    const counts = [...told.values()].flat().filter((node) => node === 'count');
    expect(counts).toHaveLength(until);
  },
);
