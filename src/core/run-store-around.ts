/**
 * What every run store around another one does alike: what carries no payload goes on as it is, and what is read is made
 * whole on its way out. A store around another one extends this and implements all of `RunStore`, so a new method of the
 * contract that is neither here nor there does not compile.
 */
import type { BlobIndex } from './blobs.ts';
import type { StoredEvent } from './event.ts';
import type { Fleet } from './fleet.ts';
import type { ThreadValue } from './langgraph.ts';
import type { Observation } from './observation.ts';
import type { RunRecord } from './run.ts';
import type {
  ClaimedRun,
  LoadedRun,
  RunStore,
  SampleRun,
  Seen,
  Snapshot,
  ToldEnd,
} from './store.ts';
import type { Turns } from './turns.ts';

/** What the outer store makes of what the inner one gives out. */
export interface WayOut {
  record(record: RunRecord): RunRecord | Promise<RunRecord>;
  loaded(loaded: LoadedRun): LoadedRun | Promise<LoadedRun>;
  events(
    run: string,
    events: readonly StoredEvent[],
  ): readonly StoredEvent[] | Promise<readonly StoredEvent[]>;
  snapshot(run: string, snapshot: Snapshot): Snapshot | Promise<Snapshot>;
  /** What a store of threads has in its values; as it is where that is not sealed. */
  threadValue?(run: string, value: ThreadValue): ThreadValue;
}

type Alike =
  | ('blobs' | 'fleet' | 'observation' | 'turns')
  | ('parentNotified' | 'childrenCancelled' | 'close')
  | ('record' | 'load' | 'events' | 'recall' | 'channels' | 'sample');

export class RunStoreAround implements Pick<Required<RunStore>, Alike> {
  readonly blobs: BlobIndex;
  readonly fleet: Fleet;
  readonly observation: Observation;
  readonly turns: Turns;
  readonly #inner: RunStore;
  readonly #wayOut: WayOut;

  constructor(inner: RunStore, wayOut: WayOut) {
    this.#inner = inner;
    this.#wayOut = wayOut;
    this.blobs = inner.blobs;
    this.fleet = inner.fleet;
    this.observation = withoutPayloads(inner.observation);
    this.turns = inner.turns;
  }

  parentNotified(run: string, at: ToldEnd): Promise<void> {
    return this.#inner.parentNotified(run, at);
  }

  childrenCancelled(run: string, at: Pick<Seen, 'fence'>): Promise<void> {
    return this.#inner.childrenCancelled(run, at);
  }

  /** What is made up is neither sealed nor kept elsewhere. */
  sample(run: SampleRun): Promise<ClaimedRun | undefined> {
    return this.#inner.sample(run);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async record(run: string): Promise<RunRecord | undefined> {
    const record = await this.#inner.record(run);
    return record && this.#wayOut.record(record);
  }

  async load(run: string): Promise<LoadedRun | undefined> {
    const loaded = await this.#inner.load(run);
    return loaded && this.#wayOut.loaded(loaded);
  }

  async events(params: {
    readonly run: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly StoredEvent[]> {
    return this.#wayOut.events(params.run, await this.#inner.events(params));
  }

  async recall(run: string, checkpoint: string): Promise<Snapshot | undefined> {
    const snapshot = await this.#inner.recall(run, checkpoint);
    return snapshot && this.#wayOut.snapshot(run, snapshot);
  }

  async channels(
    run: string,
    at: { readonly namespace: string; readonly checkpoint: string | undefined },
  ): Promise<ReadonlyMap<string, ThreadValue> | undefined> {
    const found = await this.#inner.channels(run, at);
    const open = this.#wayOut.threadValue?.bind(this.#wayOut);
    if (found === undefined || open === undefined) return found;
    return new Map([...found].map(([channel, value]) => [channel, open(run, value)]));
  }
}

/** What the inner store tells of an end is not whole: who hears of it reads the record. */
function withoutPayloads(inner: Observation): Observation {
  return {
    now: () => inner.now(),
    stats: () => inner.stats(),
    statsOver: (bounds) => inner.statsOver(bounds),
    health: () => inner.health(),
    status: (run) => inner.status(run),
    watch: (run, changed) => inner.watch(run, (only) => changed(only)),
  };
}
