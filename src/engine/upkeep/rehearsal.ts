/**
 * Rehearsal: would today's code understand the runs that are there, or that were exported? Each run that has not ended is
 * folded as a claim would, and nothing is written.
 */
import { recordError } from '../../core/error-record.ts';
import { type ErrorRecord, InvalidError } from '../../core/errors.ts';
import type { StoredEvent } from '../../core/event.ts';
import { fixedLimits } from '../../core/limits.ts';
import { isEnded, type RunRecord, type RunStatus, runStatuses } from '../../core/run.ts';
import type { LoadedRun, RunStore, Snapshot } from '../../core/store.ts';
import { fromPortable, type Line, parseLine, portableVersion } from '../transfer/portable.ts';
import { replay } from '../replay.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';

/** What today's code would say of the runs that have not ended. */
export interface Rehearsal {
  /** Runs that were looked at. */
  readonly checked: number;
  /** Runs that today's code cannot go on with, each with the error that a worker would meet. */
  readonly problems: readonly {
    readonly run: string;
    readonly workflow: string;
    readonly status: RunStatus;
    readonly error: ErrorRecord;
  }[];
}

type Problem = Rehearsal['problems'][number];

/** The runs of a store. */
export async function rehearse(
  store: RunStore,
  workflows: readonly AnyWorkflow[],
): Promise<Rehearsal> {
  const problems: Problem[] = [];
  let checked = 0;
  for (const workflow of workflows) {
    let cursor: string | undefined;
    do {
      const page = await store.lists.runs({
        workflow: workflow.name,
        limit: fixedLimits.runsPerPage,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { id, status } of page.runs) {
        const loaded = isEnded(status) ? undefined : await store.load(id);
        if (loaded === undefined) continue;
        checked += 1;
        problems.push(...(await problemOf(store, workflow, loaded)));
      }
      ({ cursor } = page);
    } while (cursor !== undefined);
  }
  return { checked, problems };
}

/**
 * The runs of an export, line by line. What is read of a run is kept until its end: the events after its snapshot.
 * @throws InvalidError that names the line, when this is no export, or it was cut off.
 */
export async function rehearseExport(
  lines: AsyncIterable<string> | Iterable<string>,
  workflows: readonly AnyWorkflow[],
): Promise<Rehearsal> {
  const known = new Map(workflows.map((workflow) => [workflow.name, workflow]));
  const problems: Problem[] = [];
  let checked = 0;
  let number = 0;
  let run: Exported | undefined;
  for await (const text of lines) {
    number += 1;
    if (text === '') continue;
    const line = parseLine(text, number);
    checkPlace(line, number, run);
    switch (line.kind) {
      case 'run':
        run = { record: toRecord(line, number), snapshot: undefined, events: [] };
        break;
      case 'snapshot':
        if (run !== undefined) run.snapshot = toSnapshot(line);
        break;
      case 'event':
        if (run !== undefined && Number(line['seq']) > (run.snapshot?.seq ?? 0)) {
          run.events.push(toEvent(line));
        }
        break;
      case 'end': {
        const workflow = run && known.get(run.record.workflow);
        if (run !== undefined && workflow !== undefined && !isEnded(run.record.status)) {
          checked += 1;
          problems.push(...(await problemOf(storeOf(run.events), workflow, run)));
        }
        run = undefined;
        break;
      }
      case 'withdrawn':
        run = undefined;
        break;
      case 'pawl-export':
      case 'checkpoint':
      case 'message':
      case 'seen':
      case 'complete':
        break;
    }
  }
  if (number === 0) throw new InvalidError('export', 'is empty.');
  if (run !== undefined) {
    throw new InvalidError('export', `is cut off: run ${run.record.id} has no end.`);
  }
  return { checked, problems };
}

async function problemOf(
  store: Pick<RunStore, 'events'>,
  workflow: AnyWorkflow,
  loaded: LoadedRun,
): Promise<Problem[]> {
  try {
    await replay(store, workflow, loaded);
    return [];
  } catch (error) {
    const { id, status } = loaded.record;
    return [{ run: id, workflow: workflow.name, status, error: recordError(error) }];
  }
}

interface Exported {
  readonly record: RunRecord;
  snapshot: Snapshot | undefined;
  readonly events: StoredEvent[];
}

function checkPlace(line: Line, number: number, run: Exported | undefined): void {
  const wrong = (why: string): InvalidError => new InvalidError(`line ${number}`, why);
  if (number === 1 && line.kind !== 'pawl-export') throw wrong('is not the first of an export.');
  if (line.kind === 'pawl-export') {
    if (line['version'] === portableVersion) return;
    throw wrong(`has version ${String(line['version'])}; this code reads ${portableVersion}.`);
  }
  if (line.kind === 'run') {
    if (run !== undefined) throw wrong(`begins a run before the end of run ${run.record.id}.`);
    return;
  }
  if (line.kind === 'complete' && run === undefined) return;
  if (line['run'] !== run?.record.id) throw wrong('belongs to a run that has not begun.');
  if (line.kind === 'end' && line['events'] !== run?.record.seq) {
    throw wrong(`counts ${String(line['events'])} events, the run says ${run?.record.seq}.`);
  }
}

/** What a fold needs of a record; the rest is as if it had just been made. */
function toRecord(line: Line, number: number): RunRecord {
  const status = line['status'] as RunStatus;
  const seq = line['seq'];
  if (!runStatuses.includes(status) || typeof seq !== 'number') {
    throw new InvalidError(`line ${number}`, 'is no record of a run.');
  }
  return {
    id: String(line['id']),
    workflow: String(line['workflow']),
    codeVersion: 0,
    status,
    seq,
    fence: 0,
    birth: '',
    waits: [],
    worker: undefined,
    version: 0,
    snapshotSeq: 0,
    firstSeq: 1,
    input: new Uint8Array(),
    output: undefined,
    error: undefined,
    tags: {},
    takeovers: 0,
    losses: 0,
    bytes: 0,
    paused: false,
    progress: undefined,
    deadlineAt: undefined,
    priority: 0,
    chunks: 0,
    key: undefined,
    turn: undefined,
    wroteVersion: 0,
    needsVersion: undefined,
    parent: undefined,
    onEnd: false,
    wakeAt: undefined,
    createdAt: 0,
    changedAt: 0,
  };
}

function toSnapshot(line: Line): Snapshot {
  const fields = Object.entries(line['fields'] as Record<string, unknown>);
  return {
    version: Number(line['version']),
    seq: Number(line['seq']),
    schema: Number(line['schema']),
    at: Date.parse(String(line['at'])),
    fields: new Map(fields.map(([name, value]) => [name, fromPortable(value)])),
  };
}

function toEvent(line: Line): StoredEvent {
  return {
    seq: Number(line['seq']),
    type: String(line['type']),
    fence: Number(line['fence']),
    at: Date.parse(String(line['at'])),
    data: fromPortable(line['data']),
  };
}

/** All events are there already: no further page is to come. */
function storeOf(events: readonly StoredEvent[]): Pick<RunStore, 'events'> {
  return { events: async ({ after }) => events.filter(({ seq }) => seq > after) };
}
