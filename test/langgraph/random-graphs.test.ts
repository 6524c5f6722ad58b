// Goal: a graph comes to the same by a run of pawl as by LangGraph alone, whatever it asks, and however often workers go.
// Method: random graphs; LangGraph with its MemorySaver says what is right; workers of this process come and go meanwhile.
import { Command, MemorySaver } from '@langchain/langgraph';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { Pawl, PawlError } from '../../src/index.ts';
import { durableGraph } from '../../src/langgraph.ts';
import { randomOf } from '../programs/program.ts';
import { answerTo, type GraphPlan, randomPlan, toGraph } from './random-graphs.ts';
import { openSaver } from './savers.ts';

const graphs = Number(process.env['PAWL_FUZZ_RUNS'] ?? 4);
const seed = Number(process.env['PAWL_FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9));

function nodesOf(plan: GraphPlan): string[] {
  return plan.flat().flatMap(({ name, inside }) => [name, ...nodesOf(inside ?? [])]);
}

/** What the graph comes to, by LangGraph alone. */
async function right(plan: GraphPlan): Promise<unknown> {
  // What fails here comes to the same, but LangGraph may lose half of what its neighbours have written.
  const calm = new Map(nodesOf(plan).map((name) => [name, Infinity]));
  const graph = toGraph(plan, calm, new MemorySaver());
  const config = { configurable: { thread_id: 'right' } };
  let input: unknown = { lines: [] };
  for (;;) {
    await graph.invoke(input as never, config);
    const { tasks, values } = await graph.getState(config);
    if (tasks.length === 0) return values as unknown;
    const open = tasks.flatMap(({ interrupts, result }) =>
      result === undefined ? interrupts.slice(-1) : [],
    );
    const answers = open.map(({ id, value }) => [id, answerTo(String(value))] as const);
    input = new Command({ resume: Object.fromEntries(answers) });
  }
}

test(
  `${graphs} random graphs from seed ${seed}`,
  { timeout: 60_000 + graphs * 5_000 },
  async () => {
    const { saver, prefix } = await openSaver();
    await using pawl = await Pawl.open({ redis: inject('redisUrl'), prefix, logger: false });
    for (let i = 0; i < graphs; i++) {
      const random = randomOf(seed + i);
      const plan = randomPlan(random);
      const compiled = toGraph(plan, new Map(), saver);
      const graph = durableGraph(compiled, {
        name: `random-${i}`,
        stepRetry: { attempts: 20, delay: 1 },
      });
      const work = () => pawl.worker({ workflows: [graph] });
      let workers = [work(), work()];
      const run = await pawl.start(graph, { input: { lines: [] } });
      for (;;) {
        const { status, waits } = await run.info();
        if (['completed', 'failed', 'quarantined'].includes(status)) break;
        for (const { name, label } of waits.filter(() => random() < 0.5)) {
          await run.answer(name, answerTo(String(label))).catch((error: unknown) => {
            if (!PawlError.is(error)) throw error;
          });
        }
        if (random() < 0.2) {
          const [gone, ...others] = workers;
          workers = [...others, work()];
          await gone?.close();
        }
        await sleep(random() * 10);
      }
      const found = await run.result().catch((error: unknown) => String(error));
      await Promise.all(workers.map((worker) => worker.close()));
      expect({ seed: seed + i, plan, found }).toEqual({
        seed: seed + i,
        plan,
        found: await right(plan),
      });
    }
  },
);
