/** Whole runs out of and into an encrypted store: every payload is opened on the way out, and sealed on the way in. */
import type { Cipher } from '../core/cipher.ts';
import type { RunRecord } from '../core/run.ts';
import type {
  RestoreOutcome,
  RestoreParams,
  StagedSave,
  StageParams,
  Transfer,
  ExportedRun,
} from '../core/transfer.ts';
import { sealMark } from './marks.ts';
import type { Opening } from './opening.ts';
import { eventPlace, fieldPlace, messagePlace, payloadPlace, progressPlace } from './places.ts';
import { sealText } from './text.ts';
import { sealActor, sealWaits } from './waiting.ts';

export class EncryptedTransfer implements Transfer {
  readonly #transfer: Transfer;
  readonly #cipher: Cipher;
  readonly #opening: Opening;

  constructor(transfer: Transfer, cipher: Cipher, opening: Opening) {
    this.#transfer = transfer;
    this.#cipher = cipher;
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
      data: this.#cipher.seal(event.data, eventPlace(run, event, event)),
    }));
    const letters = messages?.map((message) => ({
      ...sealActor(this.#cipher, run, message),
      data: this.#cipher.seal(message.data, messagePlace(run, message)),
    }));
    return this.#transfer.stage({
      ...params,
      ...(sealed === undefined ? {} : { events: sealed }),
      ...(saves === undefined ? {} : { saves: saves.map((save) => this.#sealSave(run, save)) }),
      ...(letters === undefined ? {} : { messages: letters }),
    });
  }

  restore(params: RestoreParams): Promise<RestoreOutcome> {
    const { record } = params;
    const { id, input, output, error, progress } = record;
    const cipher = this.#cipher;
    const sealed: RunRecord = {
      ...record,
      waits: sealWaits(cipher, id, record.waits),
      input: cipher.seal(input, payloadPlace(id, 'input')),
      output: output && cipher.seal(output, payloadPlace(id, 'output')),
      error: error && cipher.seal(error, payloadPlace(id, 'error')),
      progress: progress && {
        ...progress,
        message: sealText(cipher, progress.message, progressPlace(id)),
      },
    };
    return this.#transfer.restore({ ...params, record: sealed });
  }

  discard(params: { readonly run: string; readonly token: string }): Promise<void> {
    return this.#transfer.discard(params);
  }

  #sealSave(run: string, { set, remove, checkpoint }: StagedSave): StagedSave {
    const sealed = new Map<string, Uint8Array>();
    for (const [field, value] of set) {
      sealed.set(field, this.#cipher.seal(value, fieldPlace(run, field)));
    }
    if (checkpoint === undefined) return { set: sealed, remove };
    const mark = sealMark(this.#cipher, run, checkpoint);
    return { set: sealed, remove, checkpoint: { ...checkpoint, ...mark } };
  }
}
