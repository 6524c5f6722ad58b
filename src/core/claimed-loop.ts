/**
 * A claim, whatever it is stored in: checks what it is given, carries calls out one after the other, and stops at the first
 * write that shows that the run is somebody else's. What is stored, and how, is the log's affair.
 *
 * Crash: nothing is remembered here that the log does not hold. A save that was not acknowledged may be there or not.
 */
import type { CheckpointMark } from './checkpoint.ts';
import { checkEvents, checkCheckpoint, checkSaveOptions } from './checkpointer-input.ts';
import type {
  Claim,
  LatestSave,
  OwnEvent,
  SavedSnapshot,
  SaveSnapshotOptions,
} from './checkpointer.ts';
import { encode } from './codec.ts';
import { ConflictError, PawlError } from './errors.ts';
import type { NewEvent, RunEvent } from './event.ts';
import { SerialQueue } from './serial-queue.ts';
import type { Limits } from './limits.ts';

/** One write of a claim: any of these, all at once. */
export interface LoopWrite<Packed> {
  readonly events: readonly NewEvent[];
  readonly snapshot?: { readonly state: Packed; readonly mark?: CheckpointMark };
  readonly end?:
    | { readonly status: 'completed'; readonly output: Uint8Array }
    | { readonly status: 'queued' };
}

/** Where a claim writes to. */
export interface LoopLog<Packed> {
  /** The state as it is at this moment, checked. @throws UnstorableError, LimitError. */
  pack(state: unknown): Packed;
  /** Fields as they are now, for the state that is saved then. @throws InvalidError, UnstorableError, LimitError. */
  packFields(fields: object): Packed;
  /** Stores all of it, or throws with nothing stored. Calls never overlap. */
  write(write: LoopWrite<Packed>): Promise<{ readonly seq: number; readonly version: number }>;
}

/** Errors after which a claim can write nothing any more. */
const final: ReadonlySet<string> = new Set(['PAWL_FENCED', 'PAWL_RUN_NOT_FOUND', 'PAWL_REWOUND']);

export class ClaimedLoop<State, Packed> implements Claim<State> {
  readonly run: string;
  readonly fence: number;
  readonly state: State | undefined;
  readonly events: readonly RunEvent[];
  readonly #log: LoopLog<Packed>;
  readonly #limits: Limits;
  readonly #queue = new SerialQueue();
  #seq: number;
  #version: number;
  #ended = false;
  #lost: PawlError | undefined;

  constructor(
    owner: { readonly run: string; readonly fence: number },
    latest: LatestSave<State>,
    parts: { readonly log: LoopLog<Packed>; readonly limits: Limits },
  ) {
    this.run = owner.run;
    this.fence = owner.fence;
    this.state = latest.state;
    this.events = latest.events;
    this.#seq = latest.seq;
    this.#version = latest.version;
    this.#log = parts.log;
    this.#limits = parts.limits;
  }

  get seq(): number {
    return this.#seq;
  }

  get version(): number {
    return this.#version;
  }

  async saveEvent(event: OwnEvent): Promise<number> {
    // Checked and encoded now: the caller may change its objects while the call waits for its turn.
    const events = checkEvents([event], this.#limits);
    const { seq } = await this.#queue.run(() => this.#write({ events }));
    return seq;
  }

  async saveEvents(events: readonly OwnEvent[]): Promise<readonly number[]> {
    const checked = checkEvents(events, this.#limits);
    return this.#queue.run(async () => {
      if (checked.length > 0) await this.#write({ events: checked });
      else this.#checkOpen();
      return checked.map((_, i) => this.#seq - checked.length + 1 + i);
    });
  }

  async saveSnapshot(state: State, options: SaveSnapshotOptions = {}): Promise<SavedSnapshot> {
    return this.#save(options, () => this.#log.pack(state));
  }

  async patch(fields: Partial<State>, options: SaveSnapshotOptions = {}): Promise<SavedSnapshot> {
    return this.#save(options, () => this.#log.packFields(fields));
  }

  #save(options: SaveSnapshotOptions, pack: () => Packed): Promise<SavedSnapshot> {
    checkSaveOptions(options, 'snapshot options');
    const { version, checkpoint } = options;
    const checked =
      checkpoint === undefined ? undefined : checkCheckpoint(checkpoint, this.#limits);
    const packed = pack();
    return this.#queue.run(async () => {
      this.#checkOpen();
      if (version !== undefined && version !== this.#version) {
        throw new ConflictError(this.run, { expected: version, actual: this.#version });
      }
      if (checked === undefined) return this.#write({ events: [], snapshot: { state: packed } });
      const { event, mark } = checked;
      const saved = await this.#write({ events: [event], snapshot: { state: packed, mark } });
      // Only one mark travels with a snapshot here, so it is the first of its version.
      return { ...saved, checkpoint: `${saved.version}-0` };
    });
  }

  async finish(output?: unknown): Promise<void> {
    const bytes = encode(output, 'output', this.#limits.outputBytes);
    const data = encode({}, 'record', this.#limits.eventBytes);
    await this.#end({
      events: [{ type: 'run.completed', data }],
      end: { status: 'completed', output: bytes },
    });
  }

  release(): Promise<void> {
    return this.#end({ events: [], end: { status: 'queued' } });
  }

  /** Releases the run, unless it is finished or somebody else's. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended || this.#lost !== undefined) return;
    await this.release().catch((error: unknown) => {
      if (error !== this.#lost) throw error;
    });
  }

  #end(write: LoopWrite<Packed>): Promise<void> {
    return this.#queue.run(async () => {
      await this.#write(write);
      this.#ended = true;
    });
  }

  async #write(
    write: LoopWrite<Packed>,
  ): Promise<{ readonly seq: number; readonly version: number }> {
    this.#checkOpen();
    try {
      const written = await this.#log.write(write);
      this.#seq = written.seq;
      this.#version = written.version;
      return written;
    } catch (error) {
      if (PawlError.is(error) && final.has(error.code)) this.#lost = error;
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#lost !== undefined) throw this.#lost;
    if (!this.#ended) return;
    throw new PawlError(
      'PAWL_CLOSED',
      `The claim of run ${this.run} is over; claim the run again.`,
    );
  }
}
