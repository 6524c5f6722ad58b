/** What a worker of the demo does, in a process or in a thread, and what it tells whoever started it. */
import type { Logger, Pawl } from 'pawl';
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

/** What a worker tells whoever started it. */
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
export const graceMs = 2000;

type Tell = (report: Report) => void;

interface Counts {
  messages: number;
  claims: number;
}

/** Counts what the workflow and pawl say, instead of printing it. */
function countingLogger(counts: Counts, tell: Tell): Logger {
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

/** Opens the pawl, and works until it is closed. */
export async function work(
  open: (logger: Logger) => Pawl | Promise<Pawl>,
  tell: Tell,
): Promise<Pawl> {
  const counts = { messages: 0, claims: 0 };
  const pawl = await open(countingLogger(counts, tell));
  // In the demo workers die far more often than in life: that a run has seen several losses says
  // nothing about it.
  const worker = pawl.worker({
    workflows: [conversation],
    concurrency: 200,
    // Here the workers are killed on purpose, again and again: no run is to blame.
    quarantineAfter: 1000,
  });
  await worker.ready();
  tell({ kind: 'ready', worker: worker.id });
  setInterval(() => tell({ kind: 'progress', active: worker.active, ...counts }), progressMs);
  return pawl;
}
