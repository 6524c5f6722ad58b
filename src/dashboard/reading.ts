/** What the pages read of a run. Every read is bounded, however long the log is. */
import type { CheckpointInfo } from '../core/checkpoint.ts';
import type { RunEvent } from '../core/event.ts';
import { recordError } from '../core/error-record.ts';
import { toMermaid } from '../engine/graph/mermaid.ts';
import type { RunDetails, RunInfo } from '../engine/runs/run-info.ts';
import type { Pawl } from '../pawl.ts';
import type { Settings } from './settings.ts';
import { unwrap } from './words.ts';

export const eventsPerPage = 200;
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

export interface RunView {
  readonly run: RunDetails;
  /** Events from the one after `after`, at most a page. */
  readonly after: number;
  readonly events: readonly RunEvent[];
  readonly stored: Stored;
  readonly checkpoints: readonly CheckpointInfo[];
  /** Where a graph stands, as text for Mermaid. */
  readonly graph: string | undefined;
}

/** Without `after`, the newest page of events. @throws RunError `PAWL_RUN_NOT_FOUND`. */
export async function readRun(
  pawl: Pawl,
  settings: Settings,
  { id, after }: { readonly id: string; readonly after?: number | undefined },
): Promise<RunView> {
  const run = await pawl.run(id).info();
  const from = after ?? Math.max(0, run.seq - eventsPerPage);
  const [events, stored, checkpoints, graph] = await Promise.all([
    readEvents(pawl, run, from),
    readStored(pawl, id),
    pawl.run(id).checkpoints({ limit: checkpointsShown }),
    readGraph(pawl, settings, run),
  ]);
  return { run, after: from, events, stored, checkpoints, graph };
}

export async function readEvents(
  pawl: Pawl,
  run: RunInfo,
  after: number,
  limit = eventsPerPage,
): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  if (after >= run.seq) return events;
  const signal = AbortSignal.timeout(readMs);
  for await (const event of pawl.run(run.id).events({ after, signal })) {
    events.push(event);
    if (event.seq >= run.seq || events.length >= limit) break;
  }
  return events;
}

/** The first lines of an export: reading ends before the log begins. */
async function readStored(pawl: Pawl, id: string): Promise<Stored> {
  let stored: Stored = { input: undefined, output: undefined, state: undefined };
  for await (const text of pawl.export(id)) {
    const line = JSON.parse(text) as Readonly<Record<string, unknown>> & { readonly kind: string };
    if (line.kind === 'run') {
      stored = { ...stored, input: unwrap(line['input']), output: unwrap(line['output']) };
    } else if (line.kind === 'snapshot') {
      stored = { ...stored, state: stateOf(line['fields']) };
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

/** A run whose state this code does not understand has a page all the same. */
async function readGraph(
  pawl: Pawl,
  { workflows }: Settings,
  { id, workflow: name }: RunInfo,
): Promise<string | undefined> {
  const workflow = workflows.get(name);
  if (workflow?.graph === undefined) return undefined;
  try {
    return toMermaid({ graph: workflow.graph }, await pawl.run(workflow, id).graph());
  } catch (error) {
    return `%% ${recordError(error).message.replaceAll('\n', ' ')}\n${toMermaid({ graph: workflow.graph })}`;
  }
}
