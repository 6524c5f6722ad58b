/** What a store gives out, with each large value fetched to its place. What has no reference costs nothing. */
import { addressIn } from '../core/blobs.ts';
import type { CheckpointRecord } from '../core/checkpoint.ts';
import type { StoredEvent } from '../core/event.ts';
import type { Message } from '../core/message.ts';
import type { RunRecord } from '../core/run.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { LoadedRun } from '../core/store.ts';
import type { Vault } from './vault.ts';

export class Reading {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  async loaded({ record, snapshot, events }: LoadedRun): Promise<LoadedRun> {
    const [whole, state, log] = await Promise.all([
      this.record(record),
      snapshot && this.snapshot(record.id, snapshot),
      this.events(record.id, events),
    ]);
    return { record: whole, snapshot: state, events: log };
  }

  async record(record: RunRecord): Promise<RunRecord> {
    const { id, input, output } = record;
    if (!isReference(input) && !isReference(output)) return record;
    const [given, made] = await Promise.all([
      this.#bytes(id, input),
      output && this.#bytes(id, output),
    ]);
    return { ...record, input: given, output: made };
  }

  async snapshot(run: string, snapshot: Snapshot): Promise<Snapshot> {
    if (![...snapshot.fields.values()].some(isReference)) return snapshot;
    const fields = await Promise.all(
      [...snapshot.fields].map(
        async ([field, bytes]) => [field, await this.#bytes(run, bytes)] as const,
      ),
    );
    return { ...snapshot, fields: new Map(fields) };
  }

  async events(run: string, events: readonly StoredEvent[]): Promise<readonly StoredEvent[]> {
    return this.#datas(run, events);
  }

  async messages(run: string, messages: readonly Message[]): Promise<readonly Message[]> {
    return this.#datas(run, messages);
  }

  async checkpoint(run: string, checkpoint: CheckpointRecord): Promise<CheckpointRecord> {
    const { metadata } = checkpoint;
    if (metadata === undefined || !isReference(metadata)) return checkpoint;
    return { ...checkpoint, metadata: await this.#bytes(run, metadata) };
  }

  async #datas<T extends { readonly data: Uint8Array }>(
    run: string,
    all: readonly T[],
  ): Promise<readonly T[]> {
    if (!all.some(({ data }) => isReference(data))) return all;
    return Promise.all(
      all.map(async (one) => {
        return isReference(one.data) ? { ...one, data: await this.#bytes(run, one.data) } : one;
      }),
    );
  }

  #bytes(run: string, bytes: Uint8Array): Promise<Uint8Array> | Uint8Array {
    const address = addressIn(bytes);
    return address === undefined ? bytes : this.#vault.get(run, address);
  }
}

function isReference(bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && addressIn(bytes) !== undefined;
}
