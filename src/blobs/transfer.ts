/**
 * Whole runs out of a store with blobs, and into one. What leaves carries the values themselves. What comes puts its own
 * blobs, so that no run depends on one elsewhere; it takes them in the step that makes it a run. An import that is not
 * carried through leaves blobs that are swept.
 */
import { toReference } from '../core/blobs.ts';
import type {
  RestoreOutcome,
  RestoreParams,
  StagedSave,
  StageParams,
  Transfer,
  ExportedRun,
} from '../core/transfer.ts';
import { eventPlace, fieldPlace, messagePlace, stays } from './places.ts';
import type { Reading } from './reading.ts';
import type { Vault } from './vault.ts';
import type { Aside, Writing } from './writing.ts';

export class BlobTransfer implements Transfer {
  readonly #transfer: Transfer;
  readonly #reading: Reading;
  readonly #writing: Writing;
  readonly #vault: Vault;
  /** What was put for an import, by its token. An import that is begun anew has another one. */
  readonly #staged = new Map<string, string[]>();

  constructor(
    transfer: Transfer,
    parts: { readonly reading: Reading; readonly writing: Writing; readonly vault: Vault },
  ) {
    this.#transfer = transfer;
    this.#reading = parts.reading;
    this.#writing = parts.writing;
    this.#vault = parts.vault;
  }

  async export(run: string): Promise<ExportedRun | undefined> {
    const exported = await this.#transfer.export(run);
    if (exported === undefined) return undefined;
    const { record, snapshot, messages } = exported;
    return {
      ...exported,
      record: await this.#reading.record(record),
      snapshot: snapshot && (await this.#reading.snapshot(run, snapshot)),
      messages: await this.#reading.messages(run, messages),
    };
  }

  async stage(params: StageParams): Promise<void> {
    const { run, token, events, saves, messages } = params;
    await this.#aside(run, token, (aside) => {
      const log = events?.map((event) => ({
        ...event,
        data: aside(event.data, eventPlace(event.seq)),
      }));
      const states = saves?.map((save) => withReferences(save, aside));
      const letters = messages?.map((message) => ({
        ...message,
        data: aside(message.data, messagePlace(message.id)),
      }));
      const staged = {
        ...params,
        ...(log === undefined ? {} : { events: log }),
        ...(states === undefined ? {} : { saves: states }),
        ...(letters === undefined ? {} : { messages: letters }),
      };
      return () => this.#transfer.stage(staged);
    });
  }

  async restore(params: RestoreParams): Promise<RestoreOutcome> {
    const { record, token } = params;
    const { id, input, output } = record;
    const made = await this.#aside(id, token, (aside) => {
      const small = {
        ...record,
        input: aside(input, stays),
        output: output && aside(output, stays),
      };
      return () => {
        const blobs = this.#staged.get(token) ?? [];
        return this.#transfer.restore({ ...params, record: small, blobs });
      };
    });
    await this.#forget(id, token, made.outcome !== 'restored');
    return made;
  }

  async discard(params: { readonly run: string; readonly token: string }): Promise<void> {
    await this.#transfer.discard(params);
    await this.#forget(params.run, params.token, true);
  }

  /** Puts what is large, then does what `prepare` has returned. */
  async #aside<T>(
    run: string,
    token: string,
    prepare: (aside: Aside) => () => Promise<T>,
  ): Promise<T> {
    const large = new Map<string, Uint8Array>();
    const act = prepare((bytes, place) => {
      if (!this.#writing.isLarge(bytes)) return bytes;
      const address = this.#vault.addressOf(bytes, place);
      large.set(address, bytes);
      return toReference(address);
    });
    if (large.size > 0) {
      this.#staged.set(token, [...(this.#staged.get(token) ?? []), ...large.keys()]);
      await this.#writing.put(run, large);
    }
    return act();
  }

  async #forget(run: string, token: string, isInVain: boolean): Promise<void> {
    const blobs = this.#staged.get(token) ?? [];
    this.#staged.delete(token);
    if (isInVain && blobs.length > 0) await this.#writing.giveUp(run, blobs);
  }
}

function withReferences({ set, remove, checkpoint }: StagedSave, aside: Aside): StagedSave {
  const fields = new Map([...set].map(([field, bytes]) => [field, aside(bytes, fieldPlace)]));
  if (checkpoint?.metadata === undefined) {
    return { set: fields, remove, ...(checkpoint === undefined ? {} : { checkpoint }) };
  }
  const metadata = aside(checkpoint.metadata, stays);
  return { set: fields, remove, checkpoint: { ...checkpoint, metadata } };
}
