/** How much memory runs take. */
import type { RunBytes } from '../../core/archive.ts';
import { InvalidError, RunError } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { RunStore } from '../../core/store.ts';

/** Bytes by kind, and in all. */
export interface RunMemory extends RunBytes {
  /** The sum of all kinds. */
  readonly total: number;
  /** How many values lie in a blob store. Their bytes are not counted: they take no memory of Redis. */
  readonly blobs: number;
}

/** Bytes of the runs of a workflow. */
export interface WorkflowMemory {
  /** How many runs there are. */
  readonly runs: number;
  /** How many of them were measured: the newest. */
  readonly measured: number;
  /** Of those that were measured. */
  readonly bytes: RunMemory;
  /** Of all runs, if the others are like those that were measured. */
  readonly estimated: number;
}

interface Measured extends RunBytes {
  readonly blobs: number;
}

const nothing: Measured = {
  record: 0,
  log: 0,
  snapshot: 0,
  checkpoints: 0,
  inbox: 0,
  chunks: 0,
  blobs: 0,
};

const sampleDefault = 100;
const measuredAtOnce = 20;

/** @throws RunError `PAWL_RUN_NOT_FOUND`. */
export async function runMemory(store: RunStore, run: string): Promise<RunMemory> {
  const measured = await measure(store, run);
  if (measured !== undefined) return withTotal(measured);
  throw new RunError('PAWL_RUN_NOT_FOUND', run, `There is no run ${run}.`);
}

/** Measures the newest `sample` runs of a workflow, or of all. */
export async function workflowMemory(
  store: RunStore,
  { workflow, sample = sampleDefault }: { readonly workflow?: string; readonly sample?: number },
): Promise<WorkflowMemory> {
  if (!Number.isSafeInteger(sample) || sample < 1) {
    throw new InvalidError('sample', 'must be a whole number from 1.');
  }
  const query = workflow === undefined ? {} : { workflow };
  let sum = nothing;
  let measured = 0;
  let cursor: string | undefined;
  do {
    const limit = Math.min(fixedLimits.runsPerPage, sample - measured, measuredAtOnce);
    const from = cursor === undefined ? {} : { cursor };
    const page = await store.lists.runs({ ...query, limit, ...from });
    const all = await Promise.all(page.runs.map(({ id }) => measure(store, id)));
    for (const bytes of all) {
      if (bytes === undefined) continue;
      measured += 1;
      sum = added(sum, bytes);
    }
    ({ cursor } = page);
  } while (cursor !== undefined && measured < sample);
  const runs = await store.archive.count(workflow);
  const bytes = withTotal(sum);
  const estimated = measured === 0 ? 0 : Math.round((bytes.total / measured) * runs);
  return { runs, measured, bytes, estimated };
}

async function measure(store: RunStore, run: string): Promise<Measured | undefined> {
  const bytes = await store.archive.measure(run);
  return bytes && { ...bytes, blobs: (await store.blobs.of(run)).length };
}

function added(a: Measured, b: Measured): Measured {
  return {
    record: a.record + b.record,
    log: a.log + b.log,
    snapshot: a.snapshot + b.snapshot,
    checkpoints: a.checkpoints + b.checkpoints,
    inbox: a.inbox + b.inbox,
    chunks: a.chunks + b.chunks,
    blobs: a.blobs + b.blobs,
  };
}

function withTotal(bytes: Measured): RunMemory {
  const { record, log, snapshot, checkpoints, inbox, chunks } = bytes;
  return { ...bytes, total: record + log + snapshot + checkpoints + inbox + chunks };
}
