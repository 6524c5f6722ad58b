/** Whole runs out of and into an encrypted store: every payload is opened on the way out, and sealed on the way in. */
import type {
  RestoreOutcome,
  RestoreParams,
  StagedSave,
  StageParams,
  Transfer,
  ExportedRun,
} from '../core/transfer.ts';
import type { Opening } from './opening.ts';
import { eventPlace } from './places.ts';
import type { Sealing } from './sealing.ts';

export class EncryptedTransfer implements Transfer {
  readonly #transfer: Transfer;
  readonly #sealing: Sealing;
  readonly #opening: Opening;

  constructor(transfer: Transfer, sealing: Sealing, opening: Opening) {
    this.#transfer = transfer;
    this.#sealing = sealing;
    this.#opening = opening;
  }

  async export(run: string): Promise<ExportedRun | undefined> {
    const exported = await this.#transfer.export(run);
    if (exported === undefined) return undefined;
    return {
      ...exported,
      record: this.#opening.record(exported.record),
      snapshot: exported.snapshot && this.#opening.snapshot(run, exported.snapshot),
      messages: exported.messages.map((message) => this.#opening.message(run, message)),
    };
  }

  stage(params: StageParams): Promise<void> {
    const { run, events, saves, messages } = params;
    const sealed = events?.map((event) => ({
      ...event,
      data: this.#sealing.bytes(event.data, eventPlace(run, event, event)),
    }));
    const letters = messages?.map((message) => this.#sealing.message(run, message));
    return this.#transfer.stage({
      ...params,
      ...(sealed === undefined ? {} : { events: sealed }),
      ...(saves === undefined ? {} : { saves: saves.map((save) => this.#sealSave(run, save)) }),
      ...(letters === undefined ? {} : { messages: letters }),
    });
  }

  restore(params: RestoreParams): Promise<RestoreOutcome> {
    return this.#transfer.restore({ ...params, record: this.#sealing.record(params.record) });
  }

  discard(params: { readonly run: string; readonly token: string }): Promise<void> {
    return this.#transfer.discard(params);
  }

  #sealSave(run: string, { set, remove, checkpoint }: StagedSave): StagedSave {
    const sealed = this.#sealing.fields(run, set);
    if (checkpoint === undefined) return { set: sealed, remove };
    const mark = this.#sealing.mark(run, checkpoint);
    return { set: sealed, remove, checkpoint: { ...checkpoint, ...mark } };
  }
}
