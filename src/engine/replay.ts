/**
 * Rebuilding a run's bookkeeping: its snapshot, then every event after it, page by page. What is returned is ready to go on
 * from; nothing is written.
 */
import { decode } from '../core/codec.ts';
import { Fold, type FoldEvent, type State } from '../core/fold.ts';
import type { StoredEvent } from '../core/event.ts';
import type { LoadedRun, RunStore, Snapshot } from '../core/store.ts';
import { checkState, migrateState, Upcaster } from './definition/evolution.ts';
import { pagesOf } from './log-pages.ts';
import { stateKey } from './payloads.ts';
import { freshState, stateCheck } from './definition/state-schema.ts';
import { type AnyWorkflow, reducersOf } from './definition/workflow.ts';

export interface Replayed {
  readonly fold: Fold;
  /** Snapshot fields as they are stored, with the values they decoded to. */
  readonly saved: ReadonlyMap<string, { readonly value: unknown; readonly bytes: number }>;
  /** Events folded after the snapshot, and their bytes. */
  readonly events: number;
  readonly bytes: number;
}

/**
 * @throws CorruptionError when the snapshot or an event cannot be read, or events are missing; RunError
 *   `PAWL_STATE_MISFIT` when the state does not fit the code of today.
 */
export async function replay(
  store: Pick<RunStore, 'events'>,
  workflow: AnyWorkflow,
  loaded: LoadedRun,
): Promise<Replayed> {
  const { record, snapshot } = loaded;
  const key = `run ${record.id}`;
  const pages = await pagesOf(store, loaded, snapshot?.seq ?? 0);
  const saved = snapshot === undefined ? new Map() : decodeFields(snapshot, key);
  const fold = new Fold(
    {
      seq: snapshot?.seq ?? 0,
      ...restore(saved, workflow, { run: record.id, from: snapshot?.schema ?? workflow.version }),
    },
    {
      reducers: reducersOf(workflow),
      origin: key,
      guard: isDevelopment() ? 'bytes' : 'frozen',
      check: stateCheck(workflow.definition.state),
    },
  );
  const upcaster = new Upcaster(workflow, snapshot?.schema ?? 0);
  let events = 0;
  let bytes = 0;
  for await (const page of pages) {
    for (const event of page) {
      fold.replay(event.seq, upcaster.upcast(decodeEvent(event, key)));
      events += 1;
      bytes += event.data.length;
    }
  }
  return { fold, saved, events, bytes };
}

/** Looking at bytes again finds handlers and reducers that change them; production is spared the cost. */
function isDevelopment(): boolean {
  return process.env['NODE_ENV'] !== 'production';
}

export function decodeEvent(event: StoredEvent, key: string): FoldEvent {
  return { type: event.type, data: decode(event.data, { key, seq: event.seq }) };
}

/** State and bookkeeping as a snapshot holds them, made fit for the code of today. */
export function restoreSnapshot(
  snapshot: Snapshot,
  workflow: AnyWorkflow,
  run: string,
): { readonly state: State; readonly bookkeeping: Map<string, unknown> } {
  const from = { run, from: snapshot.schema };
  return restore(decodeFields(snapshot, `run ${run}`), workflow, from);
}

/** What a snapshot holds beside the state: the same whatever the code of the workflow is. */
export function restoreBookkeeping(snapshot: Snapshot, key: string): Map<string, unknown> {
  const fields = [...decodeFields(snapshot, key)];
  return new Map(
    fields.flatMap(([field, { value }]) =>
      stateKey(field) === undefined ? [[field, value] as const] : [],
    ),
  );
}

type SavedFields = Map<string, { readonly value: unknown; readonly bytes: number }>;

function decodeFields(snapshot: Snapshot, key: string): SavedFields {
  const saved: SavedFields = new Map();
  for (const [field, bytes] of snapshot.fields) {
    const at = `${key}, snapshot field ${field}`;
    saved.set(field, { value: decode(bytes, { key: at }), bytes: bytes.length });
  }
  return saved;
}

function restore(
  saved: SavedFields,
  workflow: AnyWorkflow,
  origin: { readonly run: string; readonly from: number },
): { state: State; bookkeeping: Map<string, unknown> } {
  const stored: Record<string, unknown> = {};
  const bookkeeping = new Map<string, unknown>();
  for (const [field, { value }] of saved) {
    const key = stateKey(field);
    if (key === undefined) bookkeeping.set(field, value);
    else stored[key] = value;
  }
  // Fields that came with new code since the snapshot get their defaults.
  const state = { ...freshState(workflow), ...migrateState(workflow, stored, origin.from) };
  checkState(workflow, state, origin);
  return { state, bookkeeping };
}
