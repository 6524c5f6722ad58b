/** What an encrypted store gives out, opened. A value that cannot be opened fails whoever decodes it: see `cipher.ts`. */
import type { Cipher, Place } from '../core/cipher.ts';
import type { StoredEvent } from '../core/event.ts';
import { type ThreadValue, valuePlace } from '../core/langgraph.ts';
import type { Message } from '../core/message.ts';
import type { RunRecord } from '../core/run.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { LoadedRun } from '../core/store.ts';
import {
  askedPlace,
  askedPlaces,
  eventPlace,
  fieldPlace,
  isScripts,
  messagePlace,
  payloadPlace,
  progressPlace,
} from './places.ts';
import { openActor, openOrSay, openWaits } from './waiting.ts';

const jsonFormat = 0x7b;

export class Opening {
  readonly #cipher: Cipher;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
  }

  loaded({ record, snapshot, events }: LoadedRun): LoadedRun {
    return {
      record: this.record(record),
      snapshot: snapshot && this.snapshot(record.id, snapshot),
      events: this.events(record.id, events),
    };
  }

  snapshot(run: string, snapshot: Snapshot): Snapshot {
    const fields = new Map<string, Uint8Array>();
    for (const [field, value] of snapshot.fields) {
      fields.set(field, this.#cipher.open(value, [fieldPlace(run, field)]));
    }
    return { ...snapshot, fields };
  }

  threadValue(run: string, { key, bytes }: ThreadValue): ThreadValue {
    return { key, bytes: this.#cipher.open(bytes, [valuePlace(run, key)]) };
  }

  events(run: string, events: readonly StoredEvent[]): readonly StoredEvent[] {
    return events.map((event) => this.#event(run, event));
  }

  #event(run: string, event: StoredEvent): StoredEvent {
    const { type, data } = event;
    if (data[0] === jsonFormat && isScripts(type)) return event;
    const places = [eventPlace(run, event, event), ...askedPlaces(run, type)] as const;
    return { ...event, data: this.#cipher.open(data, places) };
  }

  message(run: string, message: Message): Message {
    const place = messagePlace(run, message);
    const places: readonly [Place, ...Place[]] =
      message.kind === 'cancel' ? [askedPlace(run, 'cancel'), place] : [place];
    return openActor(this.#cipher, run, {
      ...message,
      data: this.#cipher.open(message.data, places),
    });
  }

  record(record: RunRecord): RunRecord {
    const { id, input, output } = record;
    return {
      ...this.summary(record),
      input: this.#cipher.open(input, [payloadPlace(id, 'input')]),
      output: output && this.#cipher.open(output, [payloadPlace(id, 'output')]),
    };
  }

  summary<T extends Omit<RunRecord, 'input' | 'output'>>(record: T): T {
    const { id, error, progress, waits } = record;
    return {
      ...record,
      waits: openWaits(this.#cipher, id, waits),
      error: error && this.#error(id, error),
      progress: progress && {
        ...progress,
        message: openOrSay(this.#cipher, progress.message, progressPlace(id)),
      },
    };
  }

  /** A run that kept killing workers has its error from a script. */
  #error(run: string, error: Uint8Array): Uint8Array {
    if (error[0] === jsonFormat) return error;
    return this.#cipher.open(error, [payloadPlace(run, 'error')]);
  }
}
