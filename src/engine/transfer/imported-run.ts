/** One run of an import: its lines are checked as they come and put aside in parts; the last one makes a run of them. */
import { createHash } from 'node:crypto';
import type { StoredEvent } from '../../core/event.ts';
import type { InvalidError } from '../../core/errors.ts';
import type { RunRecord } from '../../core/run.ts';
import type { Message, Snapshot } from '../../core/store.ts';
import type { RestoreOutcome, StagedMessage, StagedSave, Transfer } from '../../core/transfer.ts';
import { LineFields } from './line-fields.ts';
import {
  type PortableRun,
  toPortableCheckpoint,
  toPortableEvent,
  toPortableMessage,
  toPortableSnapshot,
} from './portable-run.ts';

/** What is put aside at a time: whichever comes first. */
const itemsPerPart = 256;
const bytesPerPart = 1024 * 1024;
const seenLength = 512;

const order = ['run', 'snapshot', 'event', 'checkpoint', 'message', 'seen'] as const;
type PartKind = Exclude<(typeof order)[number], 'run'>;

interface Part {
  readonly events: StoredEvent[];
  readonly saves: StagedSave[];
  readonly messages: StagedMessage[];
  readonly seen: string[];
}

export class ImportedRun {
  readonly id: string;
  readonly record: RunRecord;
  readonly #portable: PortableRun;
  /** Absent for a run that is there already: its lines are read and checked all the same. */
  readonly #transfer: Transfer | undefined;
  readonly #token: string;
  readonly #keepMs: number;
  readonly #hash = createHash('sha256');
  #part: Part = emptyPart();
  #partItems = 0;
  #partBytes = 0;
  #isStaged = false;
  #line = 0;
  #place = 0;
  #snapshot: Snapshot | undefined;
  /** The state of the newest checkpoint. */
  #fields = new Map<string, Uint8Array>();
  #newest: { readonly version: number; readonly place: number } | undefined;
  #seq: number;
  #checkpoints = 0;
  #messages = 0;
  /** Place of the last one that asks to cancel. */
  #cancel: number | undefined;

  constructor(
    transfer: Transfer | undefined,
    portable: PortableRun,
    { token, keepMs }: { readonly token: string; readonly keepMs: number },
  ) {
    this.record = portable.record;
    this.id = portable.record.id;
    this.#portable = portable;
    this.#transfer = transfer;
    this.#token = token;
    this.#keepMs = keepMs;
    this.#seq = portable.record.firstSeq - 1;
  }

  get events(): number {
    return this.#seq - this.record.firstSeq + 1;
  }

  get checkpoints(): number {
    return this.#checkpoints;
  }

  seal(text: string): void {
    this.#hash.update(text).update('\n');
  }

  async take(kind: PartKind, line: LineFields, text: string): Promise<void> {
    this.seal(text);
    this.#line = line.number;
    const place = order.indexOf(kind);
    const isNext = kind === 'snapshot' ? this.#place === 0 : place >= this.#place;
    if (!isNext) throw line.problem(`is a ${kind} after a ${order[this.#place]}`);
    this.#place = place;
    switch (kind) {
      case 'snapshot':
        this.#snapshot = toPortableSnapshot(line, this.record);
        break;
      case 'event':
        this.#part.events.push(toPortableEvent(line, this.#seq + 1, this.record));
        this.#seq += 1;
        break;
      case 'checkpoint':
        this.#part.saves.push(this.#checkpoint(line));
        this.#checkpoints += 1;
        break;
      case 'message':
        this.#takeMessage(toPortableMessage(line));
        break;
      case 'seen':
        this.#part.seen.push(...line.texts('ids', seenLength));
        line.end();
        break;
    }
    this.#partItems += 1;
    this.#partBytes += text.length;
    if (this.#partItems >= itemsPerPart || this.#partBytes >= bytesPerPart) await this.#flush();
  }

  #takeMessage(message: Message): void {
    this.#messages += 1;
    if (message.kind === 'cancel') this.#cancel = this.#messages;
    this.#part.messages.push({ ...message, place: this.#messages });
  }

  /** Makes a run of all that came. @throws InvalidError when something is missing, or was changed. */
  async finish(line: LineFields): Promise<RestoreOutcome['outcome']> {
    this.#line = line.number;
    const { record } = this;
    line.integer('events', { min: this.#seq, max: this.#seq });
    if (this.#seq !== record.seq) {
      throw line.problem(`ends the run at event ${this.#seq}, not at ${record.seq} as its record`);
    }
    line.integer('checkpoints', { min: this.#checkpoints, max: this.#checkpoints });
    line.integer('messages', { min: this.#messages, max: this.#messages });
    const sha256 = line.optionalText('sha256', 64);
    if (sha256 !== undefined && sha256 !== this.#hash.digest('hex')) {
      throw line.problem('has another SHA-256 than the lines of this run: they were changed');
    }
    line.end();
    this.#lastSave(line);
    if (this.#transfer === undefined) return 'exists';
    await this.#flush();
    const { snapshot } = this.#withoutFields();
    const { unmanaged, notifyPending, cancelPending } = this.#portable;
    // Where nothing is known of what it waits for, it may be for any of its messages.
    const mayWant = record.status === 'waiting' && record.waits.length === 0 && this.#messages > 0;
    const woken = this.#portable.woken || mayWant;
    const { outcome } = await this.#transfer.restore({
      token: this.#token,
      record,
      snapshot,
      unmanaged,
      notifyPending,
      cancelPending,
      woken,
      keepMs: this.#keepMs,
      staged: {
        events: this.events,
        checkpoints: this.#checkpoints,
        messages: this.#messages,
        ...(this.#cancel === undefined ? {} : { cancel: this.#cancel }),
      },
    });
    return outcome;
  }

  /** Drops what was put aside. */
  async discard(): Promise<void> {
    if (!this.#isStaged) return;
    await this.#transfer?.discard({ run: this.id, token: this.#token });
  }

  cutOff(): InvalidError {
    const line = new LineFields({ kind: 'end' }, this.#line);
    return line.problem(`is the last: run ${this.id} has no end, the export was cut off`);
  }

  #checkpoint(line: LineFields): StagedSave {
    if (this.#snapshot === undefined)
      throw line.problem('is a checkpoint of a run without snapshot');
    const save = toPortableCheckpoint(line, this.record);
    const { id, version } = save.checkpoint;
    const newest = { version, place: Number(id.slice(id.indexOf('-') + 1)) };
    const before = this.#newest ?? { version: 0, place: 0 };
    const isSameVersion = newest.version === before.version;
    if (newest.version < before.version || (isSameVersion && newest.place <= before.place)) {
      throw line.problem(`has checkpoint ${id} after a newer one`);
    }
    if (isSameVersion && (save.set.size > 0 || save.remove.length > 0)) {
      throw line.problem(`has checkpoint ${id} with another state than the one before`);
    }
    this.#newest = newest;
    for (const [field, bytes] of save.set) this.#fields.set(field, bytes);
    for (const field of save.remove) this.#fields.delete(field);
    return save;
  }

  /** From the newest checkpoint to the snapshot the run goes on from. */
  #lastSave(line: LineFields): void {
    const { record } = this;
    if ((this.#snapshot === undefined) !== (record.version === 0)) {
      throw line.problem('ends a run whose record and snapshot do not fit each other');
    }
    if (this.#snapshot === undefined) return;
    const { fields } = this.#snapshot;
    const set = new Map(
      [...fields].filter(([name, data]) => !isSame(this.#fields.get(name), data)),
    );
    const remove = [...this.#fields.keys()].filter((name) => !fields.has(name));
    if (set.size === 0 && remove.length === 0) return;
    if (this.#newest?.version === record.version) {
      throw line.problem('ends a run whose snapshot is not its newest checkpoint');
    }
    this.#part.saves.push({ set, remove });
    this.#partItems += 1;
  }

  #withoutFields(): { readonly snapshot: Omit<Snapshot, 'fields'> | undefined } {
    if (this.#snapshot === undefined) return { snapshot: undefined };
    const { version, seq, schema, at } = this.#snapshot;
    return { snapshot: { version, seq, schema, at } };
  }

  async #flush(): Promise<void> {
    const part = this.#part;
    if (this.#partItems === 0) return;
    this.#part = emptyPart();
    this.#partItems = 0;
    this.#partBytes = 0;
    if (this.#transfer === undefined) return;
    this.#isStaged = true;
    await this.#transfer.stage({ run: this.id, token: this.#token, ...part });
  }
}

function emptyPart(): Part {
  return { events: [], saves: [], messages: [], seen: [] };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
