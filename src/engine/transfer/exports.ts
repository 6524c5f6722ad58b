/**
 * Writes runs in their portable form, a page at a time: however long a log is, little of it is in memory.
 *
 * What is promised of a run that is at work meanwhile: its record, its snapshot and its inbox are those of one moment, and
 * the log is that of the same moment: every event up to it and none after it. Of the checkpoints up to that moment those
 * that are forgotten while they are read are left out. A run that is deleted or compacted under the reader's hands leaves
 * a hole in what was written already: the lines are withdrawn, and follow once more if the run is still there. Runs of a
 * list are each of a moment of their own.
 */
import { createHash } from 'node:crypto';
import type { CheckpointRecord } from '../../core/checkpoint.ts';
import { RunError } from '../../core/errors.ts';
import { givenOf } from '../../core/given.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { RunRecord } from '../../core/run.ts';
import type { RunQuery } from '../../core/run-query.ts';
import type { RunStore, Snapshot } from '../../core/store.ts';
import { toBase64 } from '../../core/tagged-json.ts';
import type { ExportedRun } from '../../core/transfer.ts';
import { checkHole } from '../holes.ts';
import { formatLine, type Line, portableVersion, toPortable } from './portable.ts';

/** How far an export is. */
export interface ExportProgress {
  /** The run that is being written. */
  readonly run: string;
  /** Runs written to their end. */
  readonly runs: number;
  /** Events written so far, of all runs. */
  readonly events: number;
  /** Checkpoints written so far, of all runs. */
  readonly checkpoints: number;
}

export type OnExportProgress = (progress: ExportProgress) => void;

/** How an export tells about its progress. */
export interface ExportOptions {
  /** Called every 500 events, and after each run. */
  readonly onProgress?: OnExportProgress | undefined;
}

/** A run that is withdrawn more often than this is not worth another try. */
const triesMax = 5;
const seenPerLine = 500;

/** Lines of the runs that a list gives, the newest first. */
export async function* exportRuns(
  store: RunStore,
  query: RunQuery,
  onProgress?: OnExportProgress,
): AsyncGenerator<string, void, undefined> {
  const writer = new RunWriter(store, onProgress);
  yield header();
  let cursor: string | undefined;
  do {
    const limit = fixedLimits.runsPerPage;
    const page = await store.lists.runs({
      ...query,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const ids = page.runs.map(({ id }) => id);
    ({ cursor } = page);
    // A run that was deleted while the list was read is no longer there to export.
    for (const id of ids) yield* writer.lines(id);
  } while (cursor !== undefined);
  yield writer.complete();
}

/** Lines of one run. @throws RunError `PAWL_RUN_NOT_FOUND`. */
export async function* exportRun(
  store: RunStore,
  run: string,
  onProgress?: OnExportProgress,
): AsyncGenerator<string, void, undefined> {
  const writer = new RunWriter(store, onProgress);
  yield header();
  if (!(yield* writer.lines(run))) {
    throw new RunError('PAWL_RUN_NOT_FOUND', run, `There is no run ${run}.`);
  }
  yield writer.complete();
}

function header(): string {
  return formatLine({ kind: 'pawl-export', version: portableVersion });
}

class RunWriter {
  readonly #store: RunStore;
  readonly #onProgress: OnExportProgress | undefined;
  readonly #count = { runs: 0, events: 0, checkpoints: 0 };

  constructor(store: RunStore, onProgress: OnExportProgress | undefined) {
    this.#store = store;
    this.#onProgress = onProgress;
  }

  complete(): string {
    return formatLine({ kind: 'complete', runs: this.#count.runs });
  }

  /** False when the run is not there. */
  async *lines(run: string): AsyncGenerator<string, boolean, undefined> {
    for (let tries = 0; tries < triesMax; tries++) {
      const exported = await this.#store.transfer.export(run);
      if (exported === undefined) return false;
      if (yield* this.#linesOf(exported)) {
        this.#count.runs += 1;
        this.#tell(run);
        return true;
      }
      yield formatLine({ kind: 'withdrawn', run });
    }
    throw new RunError(
      'PAWL_RUN_ACTIVE',
      run,
      `The log of run ${run} was compacted again and again while it was exported. Export it once more.`,
    );
  }

  /** False when some of the log is gone before it was read. */
  async *#linesOf(exported: ExportedRun): AsyncGenerator<string, boolean, undefined> {
    const { record, snapshot, messages } = exported;
    const { id: run } = record;
    const count = { events: record.seq, checkpoints: 0, messages: messages.length };
    const sealed = new SealedLines(run);
    yield sealed.line({ kind: 'run', ...recordOf(exported) });
    if (snapshot !== undefined) {
      const { fields, at, version, seq, schema } = snapshot;
      const held = sorted(fields).map(([name, data]) => [name, toPortable(data)]);
      const line = { run, version, seq, schema, at: iso(at), fields: Object.fromEntries(held) };
      yield sealed.line({ kind: 'snapshot', ...line });
    }
    let last = record.firstSeq - 1;
    for await (const line of eventLines(this.#store, record)) {
      last = line.seq;
      this.#count.events += 1;
      if (last % fixedLimits.eventsPerPage === 0) this.#tell(run);
      yield sealed.line(line);
    }
    if (last !== record.seq) {
      await checkHole(this.#store, run, last + 1);
      return false;
    }
    for await (const line of checkpointLines(this.#store, record)) {
      count.checkpoints += 1;
      this.#count.checkpoints += 1;
      yield sealed.line(line);
    }
    for (const { id, kind, name, at, data, key, wait, actor } of messages) {
      const about = { run, id, about: kind, name, at: iso(at), key, wait, actor };
      yield sealed.line({ kind: 'message', ...about, data: toPortable(data) });
    }
    const seen = exported.seen.toSorted(byName);
    for (let from = 0; from < seen.length; from += seenPerLine) {
      yield sealed.line({ kind: 'seen', run, ids: seen.slice(from, from + seenPerLine) });
    }
    yield sealed.end(count);
    return true;
  }

  #tell(run: string): void {
    this.#onProgress?.({ run, ...this.#count });
  }
}

/** The lines of one run, with what an importer needs to see that nothing of them is missing, added or changed. */
class SealedLines {
  readonly #run: string;
  readonly #hash = createHash('sha256');

  constructor(run: string) {
    this.#run = run;
  }

  line(line: Line): string {
    const text = formatLine(line);
    this.#hash.update(text).update('\n');
    return text;
  }

  end(count: {
    readonly events: number;
    readonly checkpoints: number;
    readonly messages: number;
  }): string {
    const sha256 = this.#hash.digest('hex');
    return formatLine({ kind: 'end', run: this.#run, ...count, sha256 });
  }
}

/** Up to what was there when the record was read: a run at work goes on meanwhile. Stops at a hole. */
async function* eventLines(
  store: RunStore,
  { id: run, seq: last, firstSeq }: RunRecord,
): AsyncGenerator<Line & { readonly seq: number }, void, undefined> {
  let after = firstSeq - 1;
  while (after < last) {
    const limit = Math.min(fixedLimits.eventsPerPage, last - after);
    const page = await store.events({ run, after, limit });
    if (page.length === 0) return;
    for (const { seq, type, at, fence, branch, more, data } of page) {
      if (seq !== after + 1) return;
      const about = {
        run,
        seq,
        type,
        at: iso(at),
        fence,
        ...(branch === undefined ? {} : { branch }),
        ...(more === true ? { more } : {}),
      };
      yield { kind: 'event', ...about, data: toPortable(data) };
      after = seq;
    }
  }
}

async function* checkpointLines(
  store: RunStore,
  { id: run, version: newest }: RunRecord,
): AsyncGenerator<Line, void, undefined> {
  let before: Snapshot['fields'] = new Map();
  for await (const checkpoint of oldestFirst(store, run)) {
    if (checkpoint.version > newest) return;
    const kept = await store.recall(run, checkpoint.id);
    if (kept === undefined) continue;
    const { id, version, seq, schema, at, bytes, label, node, metadata } = checkpoint;
    const set = sorted(kept.fields).filter(([name, data]) => !isSame(before.get(name), data));
    const remove = [...before.keys()].filter((name) => !kept.fields.has(name)).sort(byName);
    yield {
      ...({ kind: 'checkpoint', run } as const),
      id,
      version,
      seq,
      schema,
      at: iso(at),
      bytes,
      ...(label === undefined ? {} : { label }),
      ...(node === undefined ? {} : { node }),
      ...(metadata === undefined ? {} : { metadata: toPortable(metadata) }),
      set: Object.fromEntries(set.map(([name, data]) => [name, toPortable(data)])),
      remove,
    };
    before = kept.fields;
  }
}

/** A store lists the newest first, so the pages are found from there, and read from the other end: one of them in memory. */
async function* oldestFirst(
  store: RunStore,
  run: string,
): AsyncGenerator<CheckpointRecord, void, undefined> {
  const limit = fixedLimits.runsPerPage;
  const pageBehind = (before: string | undefined): Promise<readonly CheckpointRecord[]> =>
    store.checkpoints({ run, limit, ...(before === undefined ? {} : { before }) });
  const starts: (string | undefined)[] = [undefined];
  let page = await pageBehind(undefined);
  for (; page.length === limit; page = await pageBehind(starts.at(-1)))
    starts.push(page.at(-1)?.id);
  const given = { version: 0, place: -1 };
  for (const start of starts.toReversed()) {
    for (const checkpoint of (await pageBehind(start)).toReversed()) {
      const place = Number(checkpoint.id.slice(checkpoint.id.indexOf('-') + 1));
      const { version } = checkpoint;
      // Pages move when checkpoints come or are forgotten meanwhile.
      if (version < given.version || (version === given.version && place <= given.place)) continue;
      Object.assign(given, { version, place });
      yield checkpoint;
    }
  }
}

/** Field by field, in one order: stores name theirs in different ones. */
function recordOf({
  record,
  unmanaged,
  notifyPending,
  cancelPending,
  woken,
}: ExportedRun): Record<string, unknown> {
  const { id, workflow, codeVersion, status, fence, worker, seq, firstSeq, version } = record;
  const { snapshotSeq, takeovers, losses, bytes, paused, progress, priority, parent, onEnd } =
    record;
  const { tags, createdAt, changedAt, wakeAt, deadlineAt, input, output, error } = record;
  const { birth, wroteVersion, waits, chunks, key } = record;
  const given = givenOf(input);
  const fields = {
    id,
    workflow,
    codeVersion,
    status,
    fence,
    worker,
    seq,
    firstSeq: firstSeq === 1 ? undefined : firstSeq,
    version,
    snapshotSeq,
    takeovers,
    losses,
    bytes,
    paused,
    progress: progress && { fraction: progress.fraction, message: progress.message },
    birth,
    wroteVersion,
    priority,
    chunks: chunks === 0 ? undefined : chunks,
    parent,
    onEnd: onEnd || undefined,
    key,
    unmanaged: unmanaged || undefined,
    notifyPending: notifyPending || undefined,
    cancelPending: cancelPending || undefined,
    woken: woken || undefined,
    waits: waits.length === 0 ? undefined : waits,
    tags: Object.fromEntries(Object.entries(tags).sort(([a], [b]) => byName(a, b))),
    createdAt: iso(createdAt),
    changedAt: iso(changedAt),
    wakeAt: wakeAt === undefined ? undefined : iso(wakeAt),
    deadlineAt: deadlineAt === undefined ? undefined : iso(deadlineAt),
    input: toPortable(input),
    given: given && toBase64(given),
    output: output === undefined ? undefined : toPortable(output),
    error: error === undefined ? undefined : toPortable(error),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
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
