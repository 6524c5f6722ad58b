/**
 * What a claim writes into the folder of its run.
 *
 *   lock ─▶ fence and owner are still ours? ─▶ prepare all files ─▶ append to the log ─▶ put the files in place ─▶ unlock
 *
 * A newer claim has changed claim.json under the same lock, so a stale one finds out before it has written anything.
 *
 * Crash in between, at each point:
 *   files prepared             leftovers nobody reads
 *   a kept snapshot in place   its seq is not in the log: the next claim removes it
 *   log appended to            the next claim puts the kept snapshot, or the end of the run, in place
 * When the disk refuses in the middle, what was done is taken back; if that fails too, this claim writes nothing any more.
 */
import { decode, encode } from '../core/codec.ts';
import type { LoopLog, LoopWrite } from '../core/claimed-loop.ts';
import {
  FencedError,
  InvalidError,
  type PawlError,
  RunError,
  UnavailableError,
} from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { isPlainObject } from '../core/plain-copy.ts';
import { type Disk, formatJson, onDisk } from './disk.ts';
import { append, checkEnd, cut, formatEvents, type LogPlace } from './event-log.ts';
import { withLock } from './lock.ts';
import type { FileCheckpoint, FileSnapshot, Holding, RunFolder } from './run-folder.ts';

/** A state as it was handed over: a value of its own, and its size. */
export interface PackedState {
  readonly value: unknown;
  readonly bytes: number;
}

/** Some fields of a state that are to be changed. */
interface PackedFields {
  readonly fields: Readonly<Record<string, unknown>>;
}

type Packed = PackedState | PackedFields;

export interface FileLoopLogOptions {
  readonly run: string;
  readonly folder: RunFolder;
  readonly disk: Disk;
  readonly limits: Limits;
  readonly holding: Holding;
  readonly place: LogPlace;
  readonly version: number;
}

type Step = () => Promise<void>;

export class FileLoopLog implements LoopLog<Packed> {
  readonly #options: FileLoopLogOptions;
  #place: LogPlace;
  #version: number;
  #broken: PawlError | undefined;

  constructor(options: FileLoopLogOptions) {
    this.#options = options;
    this.#place = options.place;
    this.#version = options.version;
  }

  pack(state: unknown): PackedState {
    const bytes = encode(state, 'state', this.#options.limits.stateBytes);
    return { value: decode(bytes, { key: 'state' }), bytes: bytes.length };
  }

  packFields(fields: object): PackedFields {
    if (!isPlainObject(fields)) throw new InvalidError('patch', 'must be an object.');
    const { value } = this.pack(fields);
    return { fields: value as Record<string, unknown> };
  }

  async write(
    write: LoopWrite<Packed>,
  ): Promise<{ readonly seq: number; readonly version: number }> {
    if (this.#broken !== undefined) throw this.#broken;
    const { run, folder } = this.#options;
    const done = await onDisk(`run ${run}`, () =>
      withLock(folder.lock, async () => {
        await this.#checkOwner();
        await this.#store(write);
        return { seq: this.#place.seq, version: this.#version };
      }),
    );
    if (done !== 'missing') return done;
    throw new RunError(
      'PAWL_RUN_NOT_FOUND',
      run,
      `Run ${run} was deleted; nothing later is stored.`,
    );
  }

  async #checkOwner(): Promise<void> {
    const { run, folder, holding } = this.#options;
    const now = await folder.readHolding();
    if (now?.owner === holding.owner) return;
    throw new FencedError(run, { held: holding.fence, current: now?.fence ?? 0 });
  }

  async #store({ events, snapshot, end }: LoopWrite<Packed>): Promise<void> {
    const { folder, disk, holding } = this.#options;
    const at = new Date();
    const text = formatEvents(events, { seq: this.#place.seq, fence: holding.fence, at });
    const place: LogPlace = {
      seq: this.#place.seq + events.length,
      bytes: this.#place.bytes + Buffer.byteLength(text),
    };
    const version = this.#version + (snapshot === undefined ? 0 : 1);
    const before: Step[] = [];
    const behind: Step[] = [];
    const undo: Step[] = [];
    if (snapshot !== undefined) {
      const { value: state, bytes } = await this.#after(snapshot.state);
      const saved: FileSnapshot = { version, seq: place.seq, logBytes: place.bytes, at, state };
      behind.push(await disk.prepare(folder.snapshot, formatJson(saved)));
      if (snapshot.mark !== undefined) {
        const { metadata, ...words } = snapshot.mark;
        const id = `${version}-0`;
        const hasMore = metadata !== undefined;
        const more = hasMore ? { metadata: decode(metadata, { key: 'metadata' }) } : {};
        // What people look for first stands first.
        const kept = { id, ...words, ...more, bytes, ...saved };
        await disk.makeFolder(folder.checkpoints);
        before.push(await disk.prepare(folder.checkpoint(id), formatJson(kept)));
        undo.push(() => disk.removeFile(folder.checkpoint(id)));
      }
    }
    if (end !== undefined) {
      const { status } = end;
      if (end.status === 'completed') {
        const output = decode(end.output, { key: 'output' });
        before.push(await disk.prepare(folder.output, formatJson(output)));
      }
      const over: Holding = { status, fence: holding.fence, owner: '' };
      behind.push(await disk.prepare(folder.holding, formatJson(over)));
    }
    await checkEnd(folder.events, this.#place);
    await this.#prepareEffect(before, text, undo);
    await this.#takeEffect(behind);
    this.#place = place;
    this.#version = version;
  }

  /** The state that a save leaves. @throws InvalidError, LimitError: nothing was written. */
  async #after(packed: Packed): Promise<PackedState> {
    if (!('fields' in packed)) return packed;
    const snapshot = await this.#options.folder.readSnapshot();
    const saved = snapshot === undefined ? {} : snapshot.state;
    if (!isPlainObject(saved)) {
      throw new InvalidError('patch', 'needs a state that is an object. Save this one as a whole.');
    }
    return this.pack({ ...saved, ...packed.fields });
  }

  /** Up to the append everything can be taken back. */
  async #prepareEffect(before: readonly Step[], text: string, undo: Step[]): Promise<void> {
    const { folder, disk } = this.#options;
    try {
      for (const step of before) await step();
      undo.push(() => cut(disk, folder.events, this.#place));
      if (text !== '') await append(disk, folder.events, text);
    } catch (error) {
      for (const one of undo) await one().catch((cause: unknown) => this.#break(cause));
      throw this.#broken ?? error;
    }
  }

  /** Behind the append it has happened; the next claim finishes what is missing. */
  async #takeEffect(behind: readonly Step[]): Promise<void> {
    try {
      for (const step of behind) await step();
    } catch (cause) {
      throw this.#break(cause);
    }
  }

  #break(cause: unknown): PawlError {
    const { run } = this.#options;
    this.#broken = new UnavailableError(
      `run ${run} is half written; claim it again`,
      'unknown',
      cause,
    );
    return this.#broken;
  }
}

/** Puts a kept snapshot in the place of the current one. */
export function toSnapshot({ version, seq, logBytes, at, state }: FileCheckpoint): FileSnapshot {
  return { version, seq, logBytes, at, state };
}
