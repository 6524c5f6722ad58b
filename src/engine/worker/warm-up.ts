/**
 * A worker takes over a run that is made up, right after its start: before it takes over one that counts.
 *
 * A process that has executed no run compiles the code for it in the first take-over, which takes longer than all its round
 * trips. So a take-over is played, of nothing:
 *
 *   the questions of a sweeper, about a worker that cannot be ──▶ none is lost
 *   a made-up answer to a claim ──▶ replay ──▶ handler ──▶ body of a step ──▶ its commit: there is no such run
 *
 * Nothing is written, by design: all of it has an id that runs and workers cannot have, and each script finds nothing. So
 * a crash leaves nothing. No code of users is called, and nobody is told: not the log of messages, not the diagnostics, no
 * trace. It begins when the worker takes runs already, and what it throws is no news: then the first take-over takes longer.
 */
import type { StoredEvent } from '../../core/event.ts';
import { silentLogger } from '../../core/logger.ts';
import type { ClaimedRun } from '../../core/store.ts';
import { defineWorkflow } from '../definition/workflow.ts';
import { Execution, type ExecutionHost } from '../execution/execution.ts';
import { Snapshotter } from '../execution/snapshotter.ts';
import { encodeRecord } from '../payloads.ts';
import { replay } from '../replay.ts';
import { RunsHere } from '../runs-here.ts';
import type { WorkerServices } from './services.ts';

/** No run and no worker can have it. */
const nobody = '?';

/** Steps that are known in the snapshot, and as many that come after it. */
const stepsKnown = 20;
/** Code that was called once is compiled, and slow still. Between two rounds the process does what else there is. */
const rounds = 3;

const stepNames = (word: string): readonly string[] =>
  Array.from({ length: stepsKnown }, (_, i) => `${word} ${i}`);
const early = stepNames('early');
const late = stepNames('late');

/** Resolves with how often a body was reached: never, in a store to which there is no way. */
export async function warmUp(services: WorkerServices, host: ExecutionHost): Promise<number> {
  const { store } = services;
  let reached = 0;
  const workflow = defineWorkflow({
    name: 'warm-up',
    async run(ctx) {
      for (const name of [...early, ...late]) await ctx.step(name, () => name);
      await ctx.step('new', () => {
        reached += 1;
      });
    },
  });
  const input = encodeRecord(undefined);
  const sample = { run: nobody, worker: nobody, workflow: workflow.name, input };
  const first = await store.sample({ ...sample, snapshot: undefined, events: log(1, early) });
  if (first === undefined) return reached;
  await askAboutNobody(services);
  const unseen: WorkerServices = {
    ...services,
    logger: silentLogger,
    here: new RunsHere(),
    tracing: undefined,
    tell: () => undefined,
    wake: () => Promise.resolve(),
  };
  const wakeUp = { run: nobody, workflow: workflow.name, fence: 0, losses: 0 };
  const { fold, saved } = await replay(store, workflow, first);
  const schema = workflow.version;
  const snapshotter = new Snapshotter({ schema, limit: services.limits.stateBytes, saved });
  const fields = snapshotter.delta(fold).delta.set;
  const snapshot = { version: 1, seq: fold.seq, schema, at: 0, fields };
  const claimed = (): Promise<ClaimedRun | undefined> =>
    store.sample({ ...sample, snapshot, events: log(fold.seq + 1, late) });
  const mayBegin = (): Promise<boolean> => Promise.resolve(true);
  const delivered = { wakeUp, workflow, report: () => undefined, first: { claimed, mayBegin } };
  for (let round = 0; round < rounds; round++) {
    await new Execution(delivered, unseen, host).run();
  }
  return reached;
}

/** What the sweeper asks when a worker is lost. */
async function askAboutNobody({ store, settings }: WorkerServices): Promise<void> {
  const { resendMs, quarantineAfter } = settings;
  const about = { worker: nobody, reason: 'presence-lost', lastSeenAt: 0, limit: 1 } as const;
  await store.fleet.unproven(nobody);
  await store.fleet.interrupt({ ...about, resendMs, quarantineAfter, seen: { seenAt: 0 } });
  await store.fleet.deregister(nobody, { seenAt: 1 });
}

/** What a run has in its log whose worker died after these steps, and that was claimed since. */
function log(from: number, steps: readonly string[]): readonly StoredEvent[] {
  const claimed = { type: 'run.claimed', data: { worker: nobody, codeVersion: 1 } };
  const events = [
    claimed,
    ...steps.map((name) => ({
      type: 'step.completed',
      data: { name, result: encodeRecord(name), attempts: 1, ms: 1 },
    })),
    { type: 'run.interrupted', data: { worker: nobody, reason: 'presence-lost' } },
    claimed,
  ];
  return events.map(({ type, data }, i) => ({
    seq: from + i,
    type,
    data: encodeRecord(data),
    at: 0,
    fence: 1,
  }));
}
