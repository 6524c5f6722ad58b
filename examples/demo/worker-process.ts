/**
 * One worker in a process of its own, which may be killed at any moment. Tells the process that
 * forked it what it does.
 *
 *   SIGTERM     hands its runs back to other workers and ends
 *   disconnect  the parent is gone: ends at once
 *   SIGINT      is left to the parent, because Ctrl-C in a terminal reaches both
 */
import { type Logger, Pawl } from 'pawl';
import { conversation, logged } from './conversation.ts';

/** A run that this worker took from one that died. Times are milliseconds. */
export interface Takeover {
  readonly run: string;
  readonly from: string;
  readonly detectMs: number;
  readonly claimMs: number;
  readonly replayMs: number;
  /** Events replayed after the snapshot. */
  readonly replayed: number;
}

/** What a worker process tells its parent. */
export type Report =
  | { readonly kind: 'ready'; readonly worker: string }
  | {
      readonly kind: 'progress';
      /** Runs held now. */
      readonly active: number;
      /** Messages stored and runs claimed since the start. */
      readonly messages: number;
      readonly claims: number;
    }
  | { readonly kind: 'takeover'; readonly takeover: Takeover };

const progressMs = 100;
const graceMs = 2000;

function tell(report: Report): void {
  if (process.connected) process.send?.(report);
}

/** Counts what the workflow and pawl say, instead of printing it. */
function countingLogger(counts: { messages: number; claims: number }): Logger {
  return {
    debug(_fields, message) {
      if (message === logged.stored) counts.messages += 1;
      if (message === logged.begins) counts.claims += 1;
    },
    info(fields, message) {
      if (message !== 'run taken over') return;
      const { run, from, detectMs, claimMs, replayMs, replayed } = fields as Takeover;
      tell({ kind: 'takeover', takeover: { run, from, detectMs, claimMs, replayMs, replayed } });
    },
    warn() {},
    error(fields, message) {
      console.error(message, JSON.stringify(fields));
    },
  };
}

async function main(): Promise<void> {
  const { PAWL_DEMO_REDIS: redis = '', PAWL_DEMO_PREFIX: prefix = '' } = process.env;
  process.on('disconnect', () => process.exit(1));
  // The parent may have gone while this file was being loaded.
  if (!process.connected) process.exit(1);
  process.on('SIGINT', () => {});

  const counts = { messages: 0, claims: 0 };
  const pawl = await Pawl.open({ redis, prefix, logger: countingLogger(counts) });
  // In the demo workers die far more often than in life: that a run has seen several losses says
  // nothing about it.
  const worker = pawl.worker({
    workflows: [conversation],
    concurrency: 200,
    // Here the workers are killed on purpose, again and again: no run is to blame.
    quarantineAfter: 1000,
  });
  process.on('SIGTERM', () => {
    void pawl.close({ graceMs }).finally(() => process.exit(0));
  });
  await worker.ready();
  tell({ kind: 'ready', worker: worker.id });
  setInterval(() => tell({ kind: 'progress', active: worker.active, ...counts }), progressMs);
}

await main();
