/** What an encrypted store takes in, sealed: the counterpart of `Opening`. */
import type { CheckpointMark } from '../core/checkpoint.ts';
import type { Cipher, Place } from '../core/cipher.ts';
import type { Message } from '../core/message.ts';
import type { Release } from '../core/release.ts';
import type { RunProgress, RunRecord } from '../core/run.ts';
import type { SnapshotDelta } from '../core/store.ts';
import { sealMark } from './marks.ts';
import { fieldPlace, messagePlace, payloadPlace, progressPlace } from './places.ts';
import { sealText } from './text.ts';
import { sealActor, sealWaits } from './waiting.ts';

export class Sealing {
  readonly #cipher: Cipher;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
  }

  bytes(data: Uint8Array, place: Place): Uint8Array {
    return this.#cipher.seal(data, place);
  }

  mark(run: string, mark: CheckpointMark): CheckpointMark {
    return sealMark(this.#cipher, run, mark);
  }

  fields(run: string, fields: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
    return new Map(
      [...fields].map(([field, value]) => [field, this.bytes(value, fieldPlace(run, field))]),
    );
  }

  delta(run: string, { set, checkpoints, ...others }: SnapshotDelta): SnapshotDelta {
    const marks = checkpoints?.marks.map((mark) => this.mark(run, mark));
    return {
      ...others,
      set: this.fields(run, set),
      ...(checkpoints === undefined || marks === undefined
        ? {}
        : { checkpoints: { ...checkpoints, marks } }),
    };
  }

  message<T extends Omit<Message, 'at'>>(run: string, message: T): T {
    const data = this.bytes(message.data, messagePlace(run, message));
    return { ...sealActor(this.#cipher, run, message), data };
  }

  progress<T extends RunProgress>(run: string, progress: T): T {
    return { ...progress, message: sealText(this.#cipher, progress.message, progressPlace(run)) };
  }

  release(run: string, release: Release): Release {
    if ('output' in release) {
      return { ...release, output: this.bytes(release.output, payloadPlace(run, 'output')) };
    }
    if ('error' in release) {
      return { ...release, error: this.bytes(release.error, payloadPlace(run, 'error')) };
    }
    if (release.status !== 'waiting') return release;
    return { ...release, waits: sealWaits(this.#cipher, run, release.waits) };
  }

  record(record: RunRecord): RunRecord {
    const { id, input, output, error, progress } = record;
    return {
      ...record,
      waits: sealWaits(this.#cipher, id, record.waits),
      input: this.bytes(input, payloadPlace(id, 'input')),
      output: output && this.bytes(output, payloadPlace(id, 'output')),
      error: error && this.bytes(error, payloadPlace(id, 'error')),
      progress: progress && this.progress(id, progress),
    };
  }
}
