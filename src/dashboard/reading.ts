/** What the pages read of a run. Every read is bounded, however long the log is. */
import type { CheckpointInfo } from '../core/checkpoint.ts';
import type { RunEvent } from '../core/event.ts';
import type { GraphRecord } from '../engine/runs/graph-record.ts';
import type { RunDetails, RunInfo } from '../engine/runs/run-info.ts';
import type { Pawl } from '../pawl.ts';
import { type Family, readFamily } from './family.ts';
import { type Moment, readMoment } from './moment.ts';
import { type Given, readGiven } from './output-part.ts';
import { type Redact, shownBy } from './redaction.ts';
import type { Settings } from './settings.ts';
import { unwrap } from './words.ts';

export const eventsPerPage = 200;
/** Events that the timeline is made of, those of the page and what stands before them. */
const timelineEvents = 1_000;
const checkpointsShown = 50;
/** A log that is shorter than its record says ends here, rather than a page that never comes. */
const readMs = 5_000;

/** What is stored of a run beside its log. */
export interface Stored {
  readonly input: unknown;
  readonly output: unknown;
  /** The state, as the last snapshot keeps it; undefined without one. */
  readonly state: unknown;
}

/** What of a run a page is asked for. */
export interface AskedRun {
  readonly id: string;
  /** Events from the one after this; default: the newest. */
  readonly after?: number | undefined;
  /** The moment whose state is shown, a seq or a checkpoint, and the one it is compared with. */
  readonly at?: string | undefined;
  readonly from?: string | undefined;
}

export interface RunView {
  readonly run: RunDetails;
  /** Events from the one after `after`, at most a page. */
  readonly after: number;
  readonly events: readonly RunEvent[];
  /** Those of the page, and some before them. */
  readonly past: readonly RunEvent[];
  readonly stored: Stored;
  readonly moment: Moment;
  readonly checkpoints: readonly CheckpointInfo[];
  /** Where a graph stands; undefined for another workflow, and where the page does not know it. */
  readonly graph: GraphRecord | undefined;
  readonly family: Family;
  readonly given: Given;
}

/** Without `after`, the newest page of events. @throws RunError `PAWL_RUN_NOT_FOUND`. */
export async function readRun(pawl: Pawl, settings: Settings, asked: AskedRun): Promise<RunView> {
  const { id, after } = asked;
  const run = await pawl.run(id).info();
  const begin = Math.min(after ?? Math.max(0, run.seq - eventsPerPage), run.seq);
  const end = Math.min(run.seq, begin + eventsPerPage);
  const from = Math.max(0, Math.min(begin, end - timelineEvents));
  const [past, stored, checkpoints, graph, family, given] = await Promise.all([
    readEvents(pawl, run, from, end - from),
    readStored(pawl, run, settings.redact),
    pawl.run(id).checkpoints({ limit: checkpointsShown }),
    readGraph(pawl, settings, run),
    readFamily(pawl, run),
    readGiven(pawl, run),
  ]);
  const moment = await readMoment(pawl, settings, { run, stored: stored.state, asked });
  const events = past.filter(({ seq }) => seq > begin);
  return { run, after: begin, events, past, stored, moment, checkpoints, graph, family, given };
}

export async function readEvents(
  pawl: Pawl,
  run: RunInfo,
  after: number,
  limit = eventsPerPage,
): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  if (after >= run.seq || limit <= 0) return events;
  const signal = AbortSignal.timeout(readMs);
  for await (const event of pawl.run(run.id).events({ after, signal })) {
    events.push(event);
    if (event.seq >= run.seq || events.length >= limit) break;
  }
  return events;
}

/** The first lines of an export: reading ends before the log begins. */
async function readStored(
  pawl: Pawl,
  { id, workflow }: RunInfo,
  redact: Redact | undefined,
): Promise<Stored> {
  const show = (kind: 'input' | 'output' | 'state', value: unknown): unknown =>
    shownBy(redact, unwrap(value), { kind, run: id, workflow });
  let stored: Stored = { input: undefined, output: undefined, state: undefined };
  for await (const text of pawl.export(id)) {
    const line = JSON.parse(text) as Readonly<Record<string, unknown>> & { readonly kind: string };
    if (line.kind === 'run') {
      stored = {
        ...stored,
        input: show('input', line['input']),
        output: show('output', line['output']),
      };
    } else if (line.kind === 'snapshot') {
      stored = { ...stored, state: show('state', stateOf(line['fields'])) };
    } else if (line.kind !== 'pawl-export') break;
  }
  return stored;
}

function stateOf(fields: unknown): unknown {
  const entries = Object.entries(fields ?? {}).flatMap(([field, value]) => {
    if (field === 'state') return [['state', unwrap(value)] as const];
    return field.startsWith('state:')
      ? [[field.slice('state:'.length), unwrap(value)] as const]
      : [];
  });
  return Object.fromEntries(entries);
}

/** A run whose state this code does not understand has a page all the same, which shows the graph without a position. */
async function readGraph(
  pawl: Pawl,
  { workflows }: Settings,
  { id, workflow: name }: RunInfo,
): Promise<GraphRecord | undefined> {
  const workflow = workflows.get(name);
  if (workflow?.graph === undefined) return undefined;
  try {
    return await pawl.run(workflow, id).graph();
  } catch {
    return undefined;
  }
}
