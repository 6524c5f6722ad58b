/**
 * A run store whose payloads are sealed: whatever goes through is encrypted on its way in and opened on its way out, so
 * that neither the engine nor the store beneath knows of it.
 *
 * Sealed: inputs (of schedules, too), outputs, errors, data of events and chunks, snapshot fields, messages, questions
 * and replies, the text of a progress.
 * In clear: ids, names, types, times, tags, keys, numbers, what a run waits for (names, keys and times; label and form
 * are sealed), and what the scripts in Redis write by themselves (claims, interrupts).
 *
 * A value that cannot be opened does not fail the call that brought it: it fails whoever decodes it. So a claim with a bad
 * event ends in quarantine, with the reason, and a page of runs with one bad error is a page still.
 *
 * Nothing is remembered here, so a crash between any two lines changes nothing; sealing a repeated commit gives other
 * bytes, and the store knows it by its token.
 */
import type { Archive } from '../core/archive.ts';
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { Cipher } from '../core/cipher.ts';
import type { Lists } from '../core/lists.ts';
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
  UnreadMessages,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  ResumeOutcome,
  RunStore,
  Seen,
} from '../core/store.ts';
import type { Transfer } from '../core/transfer.ts';
import { EncryptedArchive } from './archive.ts';
import { EncryptedLists } from './lists.ts';
import { openCheckpoint } from './marks.ts';
import { Opening } from './opening.ts';
import { EncryptedOutputs } from './outputs.ts';
import { askedPlace, eventPlace, payloadPlace } from './places.ts';
import { EncryptedQuestions } from './questions.ts';
import { EncryptedSchedules } from './schedules.ts';
import { Sealing } from './sealing.ts';
import { EncryptedTransfer } from './transfer.ts';

export class EncryptedRunStore extends RunStoreAround implements Required<RunStore> {
  readonly archive: Archive;
  readonly lists: Lists;
  readonly outputs: Outputs;
  readonly questions: Questions;
  readonly schedules: Schedules;
  readonly transfer: Transfer;
  readonly #store: RunStore;
  readonly #cipher: Cipher;
  readonly #sealing: Sealing;
  readonly #opening: Opening;

  constructor(store: RunStore, cipher: Cipher) {
    const opening = new Opening(cipher);
    super(store, opening);
    const sealing = new Sealing(cipher);
    this.#store = store;
    this.#cipher = cipher;
    this.#sealing = sealing;
    this.#opening = opening;
    this.archive = new EncryptedArchive(store.archive, (run, data) => this.#sealRequest(run, data));
    this.lists = new EncryptedLists(store.lists, cipher, opening);
    this.outputs = new EncryptedOutputs(store.outputs, cipher);
    this.questions = new EncryptedQuestions(store.questions, cipher);
    this.schedules = new EncryptedSchedules(store.schedules, cipher);
    this.transfer = new EncryptedTransfer(store.transfer, sealing, opening);
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const { run, input, data, snapshot } = params;
    const created = { seq: 1, fence: 0 };
    const made = await this.#store.create({
      ...params,
      input: this.#cipher.seal(input, payloadPlace(run, 'input')),
      data: this.#cipher.seal(data, eventPlace(run, created, { type: 'run.created', data })),
      ...(snapshot === undefined ? {} : { snapshot: this.#sealing.delta(run, snapshot) }),
    });
    const record = this.#opening.record(made.record);
    if (made.outcome === 'exists') return { outcome: 'exists', record };
    const { claimed } = made;
    return { outcome: 'created', record, ...(claimed && { claimed: this.#claimed(claimed) }) };
  }

  async claim(params: ClaimParams): Promise<ClaimOutcome> {
    const outcome = await this.#store.claim(params);
    return outcome.outcome === 'claimed' ? this.#claimed(outcome) : outcome;
  }

  #claimed(claimed: ClaimedRun): ClaimedRun {
    const { run } = claimed.ownership;
    return {
      ...claimed,
      ...this.#opening.loaded(claimed),
      messages: claimed.messages.map((message) => this.#opening.message(run, message)),
    };
  }

  async commit(params: CommitParams): Promise<CommitOutcome> {
    const { run, fence, expectedSeq, snapshot, release } = params;
    return this.#store.commit({
      ...params,
      events: params.events.map((event, i) => {
        const place = eventPlace(run, { seq: expectedSeq + 1 + i, fence }, event);
        return { ...event, data: this.#cipher.seal(event.data, place) };
      }),
      ...(snapshot === undefined ? {} : { snapshot: this.#sealing.delta(run, snapshot) }),
      ...(release === undefined ? {} : { release: this.#sealing.release(run, release) }),
    });
  }

  async post(params: PostParams): Promise<PostOutcome> {
    return this.#store.post(this.#sealing.message(params.run, params));
  }

  async cancel(params: CancelParams): Promise<CancelOutcome> {
    return this.#store.cancel({
      ...params,
      data: this.#cipher.seal(params.data, askedPlace(params.run, 'cancel')),
      error: this.#cipher.seal(params.error, payloadPlace(params.run, 'error')),
    });
  }

  async pause(run: string, data: Uint8Array): Promise<PauseOutcome> {
    return this.#store.pause(run, this.#cipher.seal(data, askedPlace(run, 'pause')));
  }

  async resume(run: string, data: Uint8Array, blobs?: readonly string[]): Promise<ResumeOutcome> {
    return this.#store.resume(run, this.#cipher.seal(data, askedPlace(run, 'resume')), blobs);
  }

  async progress(owner: Ownership, progress: RunProgress): Promise<void> {
    return this.#store.progress(owner, this.#sealing.progress(owner.run, progress));
  }

  async readInbox(run: string): Promise<UnreadMessages> {
    const { messages, pausedBy, ...unread } = await this.#store.readInbox(run);
    return {
      ...unread,
      messages: messages.map((message) => this.#opening.message(run, message)),
      ...(pausedBy && { pausedBy: this.#cipher.open(pausedBy, [askedPlace(run, 'pause')]) }),
    };
  }

  async checkpoints(query: CheckpointQuery): Promise<readonly CheckpointRecord[]> {
    const { label, ...rest } = query;
    const found: CheckpointRecord[] = [];
    let { before } = query;
    // Labels are sealed, each anew, so that only here one can be told from another.
    while (found.length < query.limit) {
      const page = await this.#store.checkpoints({
        ...rest,
        ...(before === undefined ? {} : { before }),
      });
      const opened = page.map((checkpoint) => openCheckpoint(this.#cipher, query.run, checkpoint));
      found.push(...opened.filter((one) => label === undefined || one.label === label));
      if (page.length < query.limit) break;
      before = page.at(-1)?.id;
    }
    return found.slice(0, query.limit);
  }

  async delete(run: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    return this.#store.delete(run, data && this.#sealRequest(run, data), seen);
  }

  #sealRequest(run: string, data: Uint8Array): Uint8Array {
    return this.#cipher.seal(data, askedPlace(run, 'delete'));
  }
}
