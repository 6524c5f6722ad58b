/**
 * A worker of the matrix in a process of its own: `node worker-process.js '{"url":…,"prefix":…}'`.
 *
 * What it is told by Redis it tells at once, one JSON object per line on stdout, which is a pipe and therefore written
 * before the call returns: a SIGKILL in the next moment takes nothing back. It hears commands on stdin, a line each.
 */
import { shiftMs } from './shifted-clock.ts';
import { createInterface } from 'node:readline';
import { Pawl } from '../../../src/index.ts';
import type { Logger, WorkerOptions } from '../../../src/index.ts';
import { BullResumeQueue } from '../../../src/bullmq/resume-queue.ts';
import { RedisRunStore } from '../../../src/redis/run-store.ts';
import { armCrashPoint, type CrashPoint, installCrashPoints } from './crash-points.ts';
import { digestOf } from '../../support/history/history.ts';
import { type Body, counting, tellBodies, workflows } from './workflows.ts';

export interface WorkerSetup {
  readonly url: string;
  readonly prefix: string;
  readonly callMs: number;
  readonly graceMs: number;
  readonly worker: Omit<WorkerOptions, 'workflows'>;
}

/** Something that callers do to runs, to be done in this process so that it can die of it. */
export interface Errand {
  readonly what: 'start' | 'signal' | 'pause' | 'resume' | 'cancel' | 'delete' | 'state' | 'recall';
  readonly run: string;
}

/** A line on stdin. */
export type Order =
  | { readonly arm: CrashPoint }
  | { readonly disarm: true }
  | { readonly errand: Errand }
  /** Leaves a promise to its rejection, to see whether that is counted. */
  | { readonly abandon: string };

/** An event that Redis has acknowledged to this worker. */
export interface Told {
  readonly run: string;
  readonly seq: number;
  readonly fence: number;
  readonly type: string;
  /** Stands for its bytes. */
  readonly digest: string;
}

/** A line on stdout. */
export type Report =
  | { readonly kind: 'ready'; readonly worker: string; readonly clockMs: number }
  | { readonly kind: 'told'; readonly told: readonly Told[] }
  | { readonly kind: 'body'; readonly body: Body }
  /** A promise was rejected, and nobody held it: without somebody who counts, the process would have ended. */
  | { readonly kind: 'unhandled'; readonly error: string }
  | { readonly kind: 'memory'; readonly rss: number; readonly heap: number }
  | { readonly kind: 'log'; readonly level: string; readonly message: string };

const memoryEveryMs = 1_000;

function report(line: Report): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function say(level: string): (fields: object, message: string) => void {
  return (fields, message) =>
    report({ kind: 'log', level, message: `${message} ${JSON.stringify(fields)}` });
}

const silence = (): void => undefined;
const logger: Logger = { debug: silence, info: silence, warn: silence, error: say('error') };

async function open({ url, prefix, callMs }: WorkerSetup): Promise<Pawl> {
  const store = await RedisRunStore.open({ redis: url, prefix, callMs, logger });
  const commit = store.commit.bind(store);
  store.commit = async (params) => {
    const outcome = await commit(params);
    if (outcome.outcome === 'committed' && params.events.length > 0) {
      const { run, fence, expectedSeq, events } = params;
      const told = events.map(({ type, data }, i) => {
        return { run, seq: expectedSeq + 1 + i, fence, type, digest: digestOf(data) };
      });
      report({ kind: 'told', told });
    }
    return outcome;
  };
  const queue = new BullResumeQueue({
    connect: (purpose) => store.connectionFor(purpose),
    evaluate: (lua, keys) => store.evaluate(lua, keys),
    prefix: `{${prefix}}:bull`,
    logger,
  });
  return Pawl.assemble({ store, queue, logger });
}

async function runErrand(pawl: Pawl, { what, run }: Errand): Promise<void> {
  const handle = pawl.run(counting, run);
  switch (what) {
    case 'start':
      await pawl.start(counting, { count: 3, paceMs: 5 }, { id: run });
      return;
    case 'signal':
      await pawl.run(run).signal('hello' as never, {}, { id: 'hello' });
      return;
    case 'pause':
      return handle.pause();
    case 'resume':
      await handle.resume();
      return;
    case 'cancel':
      return handle.cancel();
    case 'delete':
      await pawl.delete(run);
      return;
    case 'state':
      await handle.state();
      return;
    case 'recall':
      await handle.checkpoint('1-0');
  }
}

process.on('unhandledRejection', (error) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  report({ kind: 'unhandled', error: text });
});

const setup = JSON.parse(process.argv[2] ?? '{}') as WorkerSetup;
installCrashPoints();
tellBodies((body) => report({ kind: 'body', body }));
const pawl = await open(setup);
const worker = pawl.worker({ ...setup.worker, workflows });

createInterface(process.stdin)
  .on('line', (line) => {
    const order = JSON.parse(line) as Order;
    if ('arm' in order) armCrashPoint(order.arm);
    else if ('disarm' in order) armCrashPoint(undefined);
    else if ('abandon' in order) void Promise.reject(new Error(order.abandon));
    else runErrand(pawl, order.errand).catch(silence);
  })
  // Whoever started it is gone.
  .on('close', () => process.exit(0));

let closing = false;
process.on('SIGTERM', () => {
  if (closing) return;
  closing = true;
  void pawl.close({ graceMs: setup.graceMs }).then(() => process.exit(0));
});

try {
  await worker.ready();
} catch (error) {
  // It was told to end while it started, and `close` ends the process.
  if (!closing) throw error;
}
report({ kind: 'ready', worker: worker.id, clockMs: shiftMs });
setInterval(() => {
  const { rss, heapUsed } = process.memoryUsage();
  report({ kind: 'memory', rss, heap: heapUsed });
}, memoryEveryMs);
