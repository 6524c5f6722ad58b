/**
 * `npm run bench:loop [-- --steps N]`: one run with a very long loop. Tells, by tenths of the way, how many steps a second
 * are done, the heap after a collection, and the bytes of the run's snapshot: all of them must stay flat.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import { defineWorkflow, Pawl } from '../src/index.ts';
import { startRedisServer } from '../src/testing/redis-server.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const mebi = 1_048_576;
/** Steps after which those that were passed are forgotten. */
const forgetEvery = 1_000;

const { values } = parseArgs({ options: { steps: { type: 'string', default: '1000000' } } });
const steps = Number(values.steps);
const tenth = Math.ceil(steps / 10);

let mark: (done: number) => void = () => undefined;

const loop = defineWorkflow({
  name: 'loop',
  state: z.object({ done: z.number().default(0) }),
  events: { item: z.object({ i: z.int() }) },
  reduce: { item: (_, { i }) => ({ done: i + 1 }) },
  async run(ctx) {
    for (let i = ctx.state.done; i < steps; i++) {
      await ctx.step(`item:${i}`, (step) => {
        step.emit('item', { i });
        return `the result of item ${i}`;
      });
      if (i % forgetEvery === 0) ctx.forget('item:');
      if ((i + 1) % tenth === 0) mark(i + 1);
    }
    return ctx.state.done;
  },
});

const server = await startRedisServer({ config: { save: '' } });
const pawl = await Pawl.open({ redis: server.url });
try {
  let since = performance.now();
  let last = 0;
  mark = (done) => {
    const seconds = (performance.now() - since) / 1000;
    collect();
    const heap = process.memoryUsage().heapUsed / mebi;
    const rate = (done - last) / seconds;
    console.log(`${done} steps: ${rate.toFixed(0)} a second, heap ${heap.toFixed(1)} MB`);
    [since, last] = [performance.now(), done];
  };
  pawl.worker({ workflows: [loop] });
  const run = await pawl.start(loop, undefined);
  const done = await run.result();
  const [memory, info] = [await pawl.memory({ sample: 1 }), await run.info()];
  console.log(`${done} steps done, ${info.seq} events`, JSON.stringify(memory));
} finally {
  await pawl.close();
  await server.stop();
}
