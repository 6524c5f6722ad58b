/**
 * Rebuilds a run twice, by the code a resume uses: from its snapshot and the events behind it, and from all events. Both
 * must come to the same, or a crash would change what a run remembers.
 */
import { decode } from '../../../src/core/codec.ts';
import type { StoredEvent } from '../../../src/core/event.ts';
import type { Fold } from '../../../src/core/fold.ts';
import type { LoadedRun, RunStore, Snapshot } from '../../../src/core/store.ts';
import { stateField } from '../../../src/engine/payloads.ts';
import { replay } from '../../../src/engine/replay.ts';
import type { AnyWorkflow } from '../../../src/engine/definition/workflow.ts';
import type { Recovered, RunHistory } from './history.ts';

/** Without the run's workflow, whose reducers make the state, only the memory can be rebuilt. */
export async function recover(
  run: Pick<RunHistory, 'record' | 'events' | 'snapshot'>,
  workflow: AnyWorkflow | undefined,
): Promise<RunHistory['recovered']> {
  const { snapshot, events } = run;
  const tail = events.filter(({ seq }) => seq > (snapshot?.seq ?? 0));
  return {
    fromSnapshot: await rebuild(run, { snapshot, events: tail }, workflow),
    fromLog:
      run.record.firstSeq > 1 || isFork(events)
        ? undefined
        : await rebuild(run, { snapshot: undefined, events }, workflow),
  };
}

/** There is nothing to page on to: the log is here as a whole. */
const noMore = { events: () => Promise.resolve([]) } as unknown as RunStore;

async function rebuild(
  { record }: Pick<RunHistory, 'record'>,
  from: { readonly snapshot: Snapshot | undefined; readonly events: readonly StoredEvent[] },
  known: AnyWorkflow | undefined,
): Promise<Recovered | string> {
  const stateless = { name: record.workflow, version: 1, initialState: {}, definition: {} };
  const workflow = known ?? (stateless as unknown as AnyWorkflow);
  const loaded: LoadedRun = { record, ...from };
  try {
    const { fold } = await replay(noMore, workflow, loaded);
    return { seq: fold.seq, fields: fieldsOf(fold, known !== undefined) };
  } catch (error) {
    return String(error);
  }
}

function fieldsOf(fold: Fold, withState: boolean): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [field, value] of fold.bookkeeping) fields[field] = textOf(value);
  if (withState) {
    for (const [key, value] of Object.entries(fold.state)) fields[stateField(key)] = textOf(value);
  }
  return fields;
}

function isFork(events: readonly StoredEvent[]): boolean {
  const [created] = events;
  if (created?.type !== 'run.created') return false;
  try {
    const data = decode(created.data, { key: 'run.created' });
    return typeof data === 'object' && data !== null && 'forkedFrom' in data;
  } catch {
    // The fold says what is wrong with it.
    return false;
  }
}

/** Equal for equal values: fields in the order of their names, and every type told from the others. */
function textOf(value: unknown): string {
  return JSON.stringify(plain(value));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) };
  if (value === undefined) return { undefined: true };
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (value instanceof Date) return { date: value.getTime() };
  if (value instanceof Map) return { map: [...value].map(plain) };
  if (value instanceof Set) return { set: [...value].map(plain) };
  const fields = Object.entries(value).map(([key, part]) => [key, plain(part)] as const);
  return { fields: fields.sort(([a], [b]) => (a < b ? -1 : 1)) };
}
