/** Writes runs in their portable form, a page at a time: however long a log is, little of it is in memory. */
import type { CheckpointRecord } from '../core/checkpoint.ts';
import { RunError } from '../core/errors.ts';
import { fixedLimits } from '../core/limits.ts';
import type { RunRecord } from '../core/run.ts';
import type { RunQuery } from '../core/run-query.ts';
import type { RunStore, Snapshot } from '../core/store.ts';
import { formatLine, portableVersion, toPortable } from './portable.ts';

/** Lines of the runs that a list gives, the newest first. */
export async function* exportRuns(
  store: RunStore,
  query: RunQuery,
): AsyncGenerator<string, void, undefined> {
  yield header();
  let cursor: string | undefined;
  do {
    const limit = fixedLimits.runsPerPage;
    const page = await store.list({ ...query, limit, ...(cursor === undefined ? {} : { cursor }) });
    for (const { id } of page.runs) yield* linesOf(store, id, false);
    ({ cursor } = page);
  } while (cursor !== undefined);
}

/** Lines of one run. @throws RunError `PAWL_RUN_NOT_FOUND`. */
export async function* exportRun(
  store: RunStore,
  run: string,
): AsyncGenerator<string, void, undefined> {
  yield header();
  yield* linesOf(store, run, true);
}

function header(): string {
  return formatLine({ kind: 'pawl-export', version: portableVersion });
}

async function* linesOf(
  store: RunStore,
  run: string,
  isWanted: boolean,
): AsyncGenerator<string, void, undefined> {
  const loaded = await store.load(run);
  if (loaded === undefined) {
    // A run that was deleted while the list was read is no longer there to export.
    if (!isWanted) return;
    throw new RunError('PAWL_RUN_NOT_FOUND', run, `There is no run ${run}.`);
  }
  const { record, snapshot } = loaded;
  yield formatLine({ kind: 'run', ...recordOf(record) });
  if (snapshot !== undefined) {
    const { fields, at, ...about } = snapshot;
    const held = Object.fromEntries(sorted(fields).map(([name, data]) => [name, toPortable(data)]));
    yield formatLine({ kind: 'snapshot', run, ...about, at: iso(at), fields: held });
  }
  yield* eventLines(store, record);
  yield* checkpointLines(store, record);
  for (const message of (await store.mail(run)).messages) {
    const { id, kind, name, at, data } = message;
    const about = { run, id, about: kind, name, at: iso(at) };
    yield formatLine({ kind: 'message', ...about, data: toPortable(data) });
  }
  yield formatLine({ kind: 'end', run, events: record.seq });
}

/** Up to what was there when the record was read: a run at work goes on meanwhile. */
async function* eventLines(
  store: RunStore,
  { id: run, seq: last }: RunRecord,
): AsyncGenerator<string, void, undefined> {
  let after = 0;
  while (after < last) {
    const limit = Math.min(fixedLimits.eventsPerPage, last - after);
    const page = await store.events({ run, after, limit });
    if (page.length === 0) return;
    for (const { seq, type, at, fence, lane, data } of page) {
      const about = { run, seq, type, at: iso(at), fence, ...(lane === undefined ? {} : { lane }) };
      yield formatLine({ kind: 'event', ...about, data: toPortable(data) });
      after = seq;
    }
  }
}

async function* checkpointLines(
  store: RunStore,
  { id: run, seq: last }: RunRecord,
): AsyncGenerator<string, void, undefined> {
  let before: Snapshot['fields'] = new Map();
  for (const checkpoint of await allCheckpoints(store, run)) {
    if (checkpoint.seq > last) return;
    const kept = await store.recall(run, checkpoint.id);
    if (kept === undefined) continue;
    const { metadata, at, ...about } = checkpoint;
    const set = sorted(kept.fields).filter(([name, data]) => !isSame(before.get(name), data));
    const remove = [...before.keys()].filter((name) => !kept.fields.has(name)).sort(byName);
    yield formatLine({
      ...({ kind: 'checkpoint', run } as const),
      ...about,
      at: iso(at),
      ...(metadata === undefined ? {} : { metadata: toPortable(metadata) }),
      set: Object.fromEntries(set.map(([name, data]) => [name, toPortable(data)])),
      remove,
    });
    before = kept.fields;
  }
}

/** The oldest first. */
async function allCheckpoints(store: RunStore, run: string): Promise<CheckpointRecord[]> {
  const all: CheckpointRecord[] = [];
  for (;;) {
    const before = all.at(-1)?.id;
    const limit = fixedLimits.runsPerPage;
    const page = await store.checkpoints({
      ...{ run, limit },
      ...(before === undefined ? {} : { before }),
    });
    all.push(...page);
    if (page.length < limit) return all.toReversed();
  }
}

function recordOf(record: RunRecord): Record<string, unknown> {
  const { input, output, error, tags, createdAt, changedAt, wakeAt, deadlineAt, ...rest } = record;
  return Object.fromEntries(
    Object.entries({
      ...rest,
      tags: Object.fromEntries(Object.entries(tags).sort(([a], [b]) => byName(a, b))),
      createdAt: iso(createdAt),
      changedAt: iso(changedAt),
      wakeAt: wakeAt === undefined ? undefined : iso(wakeAt),
      deadlineAt: deadlineAt === undefined ? undefined : iso(deadlineAt),
      input: toPortable(input),
      output: output === undefined ? undefined : toPortable(output),
      error: error === undefined ? undefined : toPortable(error),
    }).filter(([, value]) => value !== undefined),
  );
}

function sorted(fields: Snapshot['fields']): [string, Uint8Array][] {
  return [...fields].sort(([a], [b]) => byName(a, b));
}

function byName(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
