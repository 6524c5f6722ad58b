/**
 * A run store whose large values lie elsewhere: a value over the limit goes into a blob store on its way in and comes from
 * there on its way out, so that neither the engine nor the store beneath knows of it.
 *
 * It stands between encryption and the store. So what is put is sealed already: an address tells nothing of what is in
 * it, and blobs are listed, compared and removed without a key.
 *
 * May lie elsewhere: inputs, outputs, data of events, snapshot fields, messages, metadata of checkpoints. Stays in the
 * store: errors, chunks, questions and replies, and what operators say, which are small by themselves, and inputs of
 * schedules.
 *
 * Blobs are put before the write that refers to them, see `writing.ts`; each run has its own, so that what becomes of one
 * run never touches another. Who removes them and when: `upkeep.ts`.
 */
import type { Archive } from '../core/archive.ts';
import { addressIn, type BlobStore } from '../core/blobs.ts';
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import type { Lists } from '../core/lists.ts';
import type { Logger } from '../core/logger.ts';
import type { Message } from '../core/message.ts';
import type { Outputs } from '../core/outputs.ts';
import type { Questions } from '../core/questions.ts';
import type { RunProgress } from '../core/run.ts';
import { RunStoreAround } from '../core/run-store-around.ts';
import type { Schedules } from '../core/schedules.ts';
import type {
  CancelOutcome,
  CancelParams,
  ClaimedRun,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  Release,
  ResumeOutcome,
  RunStore,
  Seen,
  SnapshotDelta,
  UnreadMessages,
} from '../core/store.ts';
import type { Transfer } from '../core/transfer.ts';
import { BlobArchive } from './archive.ts';
import { eventPlace, fieldPlace, messagePlace, stays } from './places.ts';
import { Reading } from './reading.ts';
import { BlobTransfer } from './transfer.ts';
import { Upkeep, type UpkeepTimes, upkeepTimes } from './upkeep.ts';
import { Vault } from './vault.ts';
import { type Aside, Writing } from './writing.ts';

export interface BlobRunStoreOptions {
  /** Where large values lie. */
  readonly blobs: BlobStore;
  /** Values with more encoded bytes than this lie there. */
  readonly overBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: a sweep every 30 s, pending for an hour, garbage for a minute. */
  readonly times?: UpkeepTimes;
}

export class BlobRunStore extends RunStoreAround implements Required<RunStore> {
  readonly archive: Archive;
  readonly lists: Lists;
  readonly outputs: Outputs;
  readonly questions: Questions;
  readonly schedules: Schedules;
  readonly transfer: Transfer;
  readonly upkeep: Upkeep;
  readonly #store: RunStore;
  readonly #reading: Reading;
  readonly #writing: Writing;
  /** Runs at work here that have had a message in a blob. */
  readonly #hadLargeMessages = new Set<string>();

  constructor(store: RunStore, { blobs, overBytes, clock, logger, times }: BlobRunStoreOptions) {
    const vault = new Vault(blobs, clock);
    const reading = new Reading(vault);
    super(store, reading);
    const writing = new Writing(store.blobs, vault, overBytes);
    const upkeep = new Upkeep({ store, vault, clock, logger, times: times ?? upkeepTimes });
    this.#store = store;
    this.#reading = reading;
    this.#writing = writing;
    this.upkeep = upkeep;
    this.archive = new BlobArchive(store.archive, upkeep);
    this.transfer = new BlobTransfer(store.transfer, { reading, writing, vault });
    // What they carry is small.
    this.lists = store.lists;
    this.outputs = store.outputs;
    this.questions = store.questions;
    this.schedules = store.schedules;
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const { run, snapshot } = params;
    const made = await this.#writing.write({
      run,
      prepare: (aside) => {
        const small = {
          ...params,
          input: aside(params.input, stays),
          data: aside(params.data, eventPlace(1)),
          ...(snapshot === undefined ? {} : { snapshot: withReferences(snapshot, aside) }),
        };
        return (blobs) => this.#store.create(withBlobs(small, blobs));
      },
      // Also when it was made by an earlier call, which had put blobs of its own: these are swept then.
      isStored: ({ outcome }) => outcome === 'created',
    });
    const record = await this.#reading.record(made.record);
    if (made.outcome === 'exists') return { outcome: 'exists', record };
    const { claimed } = made;
    return {
      outcome: 'created',
      record,
      ...(claimed && { claimed: await this.#claimed(claimed) }),
    };
  }

  async claim(params: ClaimParams): Promise<ClaimOutcome> {
    const outcome = await this.#store.claim(params);
    return outcome.outcome === 'claimed' ? this.#claimed(outcome) : outcome;
  }

  async #claimed(claimed: ClaimedRun): Promise<ClaimedRun> {
    const [loaded, messages] = await Promise.all([
      this.#reading.loaded(claimed),
      this.#messages(claimed.ownership.run, claimed.messages),
    ]);
    return { ...claimed, ...loaded, messages };
  }

  /** On the way of every step: where nothing is large, it is the store's own answer. */
  commit(params: CommitParams): Promise<CommitOutcome> {
    const { run, expectedSeq, snapshot, release, taken } = params;
    if (release === undefined && taken === undefined && !this.#isLarge(params)) {
      return this.#store.commit(params);
    }
    return this.#committed(params, () =>
      this.#writing.write<CommitOutcome>({
        run,
        prepare: (aside) => {
          const small = {
            ...params,
            events: params.events.map((event, i) => ({
              ...event,
              data: aside(event.data, eventPlace(expectedSeq + 1 + i)),
            })),
            ...(snapshot === undefined ? {} : { snapshot: withReferences(snapshot, aside) }),
            ...(release === undefined ? {} : { release: releaseAside(release, aside) }),
          };
          return (blobs) => this.#store.commit(withBlobs(small, blobs));
        },
        isStored: ({ outcome }) => outcome === 'committed',
      }),
    );
  }

  async post(params: PostParams): Promise<PostOutcome> {
    return this.#writing.write<PostOutcome>({
      run: params.run,
      prepare: (aside) => {
        const small = { ...params, data: aside(params.data, messagePlace(params.id)) };
        return (blobs) => this.#store.post(withBlobs(small, blobs));
      },
      // A message that was known may have come by an earlier try of this call, with blobs of its own.
      isStored: ({ outcome }) => outcome === 'posted',
    });
  }

  async resume(run: string, data: Uint8Array): Promise<ResumeOutcome> {
    return this.#writing.write<ResumeOutcome>({
      run,
      prepare: (aside) => {
        const small = aside(data, stays);
        return (blobs) => this.#store.resume(run, small, blobs);
      },
      isStored: ({ outcome }) => outcome === 'resumed',
    });
  }

  async readInbox(run: string): Promise<UnreadMessages> {
    const unread = await this.#store.readInbox(run);
    return { ...unread, messages: await this.#messages(run, unread.messages) };
  }

  async checkpoints(query: CheckpointQuery): Promise<readonly CheckpointRecord[]> {
    const found = await this.#store.checkpoints(query);
    return Promise.all(found.map((one) => this.#reading.checkpoint(query.run, one)));
  }

  override async close(): Promise<void> {
    this.upkeep.close();
    await super.close();
  }

  // What is small by itself goes through as it is.

  cancel(params: CancelParams): Promise<CancelOutcome> {
    return this.#store.cancel(params);
  }

  pause(run: string, data: Uint8Array): Promise<PauseOutcome> {
    return this.#store.pause(run, data);
  }

  progress(owner: Ownership, progress: RunProgress): Promise<void> {
    return this.#store.progress(owner, progress);
  }

  delete(run: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    return this.#store.delete(run, data, seen);
  }

  #isLarge({ events, snapshot }: CommitParams): boolean {
    const isLarge = (bytes: Uint8Array): boolean => this.#writing.isLarge(bytes);
    if (events.some(({ data }) => isLarge(data))) return true;
    if (snapshot === undefined) return false;
    const marks = snapshot.checkpoints?.marks ?? [];
    return (
      [...snapshot.set.values()].some(isLarge) ||
      marks.some(({ metadata }) => metadata !== undefined && isLarge(metadata))
    );
  }

  /** What follows of a commit for blobs that are not in use any more. */
  async #committed(
    { run, snapshot, taken = [], release }: CommitParams,
    commit: () => Promise<CommitOutcome>,
  ): Promise<CommitOutcome> {
    const outcome = await commit();
    if (outcome.outcome === 'committed') {
      const large = [...(snapshot?.set.values() ?? [])].filter((bytes) => {
        return this.#writing.isLarge(bytes);
      });
      if (large.length > 0) this.upkeep.saved(run, large.length);
      if (taken.length > 0 && this.#hadLargeMessages.has(run)) this.upkeep.taken(run, taken);
    }
    if (release !== undefined || outcome.outcome === 'fenced') {
      this.upkeep.released(run);
      this.#hadLargeMessages.delete(run);
    }
    return outcome;
  }

  #messages(run: string, messages: readonly Message[]): Promise<readonly Message[]> {
    if (messages.some(({ data }) => addressIn(data) !== undefined)) this.#hadLargeMessages.add(run);
    return this.#reading.messages(run, messages);
  }
}

function withBlobs<Params>(params: Params, blobs: readonly string[] | undefined): Params {
  return blobs === undefined ? params : { ...params, blobs };
}

function withReferences(
  { set, checkpoints, ...others }: SnapshotDelta,
  aside: Aside,
): SnapshotDelta {
  const fields = new Map([...set].map(([field, bytes]) => [field, aside(bytes, fieldPlace)]));
  const marks = checkpoints?.marks.map((mark) => {
    const { metadata } = mark;
    return metadata === undefined ? mark : { ...mark, metadata: aside(metadata, stays) };
  });
  return {
    ...others,
    set: fields,
    ...(checkpoints === undefined || marks === undefined
      ? {}
      : { checkpoints: { ...checkpoints, marks } }),
  };
}

function releaseAside(release: Release, aside: Aside): Release {
  return 'output' in release ? { ...release, output: aside(release.output, stays) } : release;
}
