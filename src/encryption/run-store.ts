/**
 * A run store whose payloads are sealed: whatever goes through is encrypted on its way in and opened on its way out, so
 * that neither the engine nor the store beneath knows of it.
 *
 * Sealed: inputs (of schedules, too), outputs, errors, data of events, snapshot fields, messages, the text of a progress.
 * In clear: ids, names, types, times, tags, numbers, what a run waits for (names and times, no payload), and what the
 * scripts in Redis write by themselves (claims, interrupts).
 *
 * A value that cannot be opened does not fail the call that brought it: it fails whoever decodes it. So a claim with a bad
 * event ends in quarantine, with the reason, and a page of runs with one bad error is a page still.
 *
 * Nothing is remembered here, so a crash between any two lines changes nothing; sealing a repeated commit gives other
 * bytes, and the store knows it by its token.
 */
import type { Census } from '../core/census.ts';
import type { Archive } from '../core/archive.ts';
import { EncryptedArchive } from './archive.ts';
import type { CheckpointQuery, CheckpointRecord } from '../core/checkpoint.ts';
import type { Cipher, Place } from '../core/cipher.ts';
import type { DeletionPage, DeletionQuery, DeletionRecord } from '../core/deletions.ts';
import type { Fleet } from '../core/fleet.ts';
import { PawlError } from '../core/errors.ts';
import type { StoredEvent } from '../core/event.ts';
import type { RunProgress, RunRecord } from '../core/run.ts';
import type {
  Beat,
  CancelOutcome,
  CancelParams,
  ClaimOutcome,
  ClaimParams,
  CommitOutcome,
  CommitParams,
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  DueParams,
  DueRun,
  InterruptParams,
  ListParams,
  LoadedRun,
  Look,
  Mail,
  Message,
  Ownership,
  PauseOutcome,
  PostOutcome,
  PostParams,
  Release,
  ResumeOutcome,
  RunPage,
  RunStore,
  Seen,
  SeenWorker,
  Snapshot,
  SnapshotDelta,
  WorkerInfo,
  WorkerRecord,
} from '../core/store.ts';
import type { Schedules } from '../core/schedules.ts';
import type { Transfer } from '../core/transfer.ts';
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
import { openCheckpoint, sealMark } from './marks.ts';
import { openText, sealText } from './text.ts';
import { EncryptedSchedules } from './schedules.ts';
import { EncryptedTransfer } from './transfer.ts';

const jsonFormat = 0x7b;

export class EncryptedRunStore implements RunStore {
  /** It carries no payload. */
  readonly archive: Archive;
  readonly transfer: Transfer;
  readonly schedules: Schedules;
  readonly #store: RunStore;
  readonly #cipher: Cipher;

  constructor(store: RunStore, cipher: Cipher) {
    this.#store = store;
    this.archive = new EncryptedArchive(store.archive, (run, data) => this.#sealRequest(run, data));
    this.#cipher = cipher;
    this.schedules = new EncryptedSchedules(store.schedules, cipher);
    this.transfer = new EncryptedTransfer(store.transfer, cipher, {
      record: (record) => this.#openRecord(record),
      snapshot: (run, snapshot) => this.#openSnapshot(run, snapshot),
      message: (run, message) => this.#openMessage(run, message),
    });
  }

  async create(params: CreateParams): Promise<CreateOutcome> {
    const { run, input, data, snapshot } = params;
    const created = { seq: 1, fence: 0 };
    const made = await this.#store.create({
      ...params,
      input: this.#cipher.seal(input, payloadPlace(run, 'input')),
      data: this.#cipher.seal(data, eventPlace(run, created, { type: 'run.created', data })),
      ...(snapshot === undefined ? {} : { snapshot: this.#sealDelta(run, snapshot) }),
    });
    return { outcome: made.outcome, record: this.#openRecord(made.record) };
  }

  async claim(params: ClaimParams): Promise<ClaimOutcome> {
    const outcome = await this.#store.claim(params);
    if (outcome.outcome !== 'claimed') return outcome;
    return {
      ...outcome,
      ...this.#openLoaded(outcome),
      messages: outcome.messages.map((message) => this.#openMessage(params.run, message)),
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
      ...(snapshot === undefined ? {} : { snapshot: this.#sealDelta(run, snapshot) }),
      ...(release === undefined ? {} : { release: this.#sealRelease(run, release) }),
    });
  }

  async post(params: PostParams): Promise<PostOutcome> {
    const data = this.#cipher.seal(params.data, messagePlace(params.run, params));
    return this.#store.post({ ...params, data });
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

  async resume(run: string, data: Uint8Array): Promise<ResumeOutcome> {
    return this.#store.resume(run, this.#cipher.seal(data, askedPlace(run, 'resume')));
  }

  async progress(owner: Ownership, { fraction, message }: RunProgress): Promise<void> {
    const sealed = sealText(this.#cipher, message, progressPlace(owner.run));
    return this.#store.progress(owner, { fraction, message: sealed });
  }

  async record(run: string): Promise<RunRecord | undefined> {
    const record = await this.#store.record(run);
    return record && this.#openRecord(record);
  }

  async load(run: string): Promise<LoadedRun | undefined> {
    const loaded = await this.#store.load(run);
    return loaded && this.#openLoaded(loaded);
  }

  async events(params: {
    readonly run: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly StoredEvent[]> {
    const events = await this.#store.events(params);
    return events.map((event) => this.#openEvent(params.run, event));
  }

  async mail(run: string): Promise<Mail> {
    const { messages, pausedBy, ...mail } = await this.#store.mail(run);
    return {
      ...mail,
      messages: messages.map((message) => this.#openMessage(run, message)),
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

  async recall(run: string, checkpoint: string): Promise<Snapshot | undefined> {
    const snapshot = await this.#store.recall(run, checkpoint);
    return snapshot && this.#openSnapshot(run, snapshot);
  }

  async list(params: ListParams): Promise<RunPage> {
    const { runs, cursor } = await this.#store.list(params);
    return { runs: runs.map((run) => this.#openSummary(run)), cursor };
  }

  async delete(run: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    return this.#store.delete(run, data && this.#sealRequest(run, data), seen);
  }

  #sealRequest(run: string, data: Uint8Array): Uint8Array {
    return this.#cipher.seal(data, askedPlace(run, 'delete'));
  }

  async deletions(query: DeletionQuery): Promise<DeletionPage> {
    const { deletions, cursor } = await this.#store.deletions(query);
    const open = (one: DeletionRecord): Uint8Array =>
      this.#cipher.open(one.data, [askedPlace(one.run, 'delete')]);
    return { deletions: deletions.map((one) => ({ ...one, data: open(one) })), cursor };
  }

  // What carries no payload goes through as it is.

  get fleet(): Fleet {
    return this.#store.fleet;
  }

  interrupt(params: InterruptParams): Promise<readonly DueRun[]> {
    return this.#store.interrupt(params);
  }

  due(params: DueParams): Promise<readonly DueRun[]> {
    return this.#store.due(params);
  }

  told(...args: Parameters<RunStore['told']>): Promise<void> {
    return this.#store.told(...args);
  }

  paid(...args: Parameters<RunStore['paid']>): Promise<void> {
    return this.#store.paid(...args);
  }

  settled(...args: Parameters<RunStore['settled']>): Promise<void> {
    return this.#store.settled(...args);
  }

  now(): Promise<number> {
    return this.#store.now();
  }

  watch(run: string, changed: () => void): Promise<() => Promise<void>> {
    return this.#store.watch(run, changed);
  }

  appear(worker: string, asked?: (run: string | undefined) => void): Promise<void> {
    return this.#store.appear(worker, asked);
  }

  beat(worker: WorkerInfo, sessionMs: number, atWork = ''): Promise<Beat> {
    return this.#store.beat(worker, sessionMs, atWork);
  }

  atWork(worker: string): Promise<string> {
    return this.#store.atWork(worker);
  }

  leave(worker: string, seen?: SeenWorker): Promise<boolean> {
    return this.#store.leave(worker, seen);
  }

  census(): Promise<Census> {
    return this.#store.census();
  }

  workers(): Promise<readonly WorkerRecord[]> {
    return this.#store.workers();
  }

  holders(): Promise<readonly string[]> {
    return this.#store.holders();
  }

  held(worker: string): Promise<readonly string[]> {
    return this.#store.held(worker);
  }

  look(worker: string, lockMs: number): Promise<Look> {
    return this.#store.look(worker, lockMs);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #sealDelta(run: string, { set, keep, ...others }: SnapshotDelta): SnapshotDelta {
    const sealed = new Map<string, Uint8Array>();
    for (const [field, value] of set) {
      sealed.set(field, this.#cipher.seal(value, fieldPlace(run, field)));
    }
    const marks = keep?.marks.map((mark) => sealMark(this.#cipher, run, mark));
    return {
      ...{ ...others, set: sealed },
      ...(keep === undefined || marks === undefined ? {} : { keep: { ...keep, marks } }),
    };
  }

  #sealRelease(run: string, release: Release): Release {
    if ('output' in release) {
      return { ...release, output: this.#cipher.seal(release.output, payloadPlace(run, 'output')) };
    }
    if ('error' in release) {
      return { ...release, error: this.#cipher.seal(release.error, payloadPlace(run, 'error')) };
    }
    return release;
  }

  #openLoaded({ record, snapshot, events }: LoadedRun): LoadedRun {
    return {
      record: this.#openRecord(record),
      snapshot: snapshot && this.#openSnapshot(record.id, snapshot),
      events: events.map((event) => this.#openEvent(record.id, event)),
    };
  }

  #openSnapshot(run: string, snapshot: Snapshot): Snapshot {
    const fields = new Map<string, Uint8Array>();
    for (const [field, value] of snapshot.fields) {
      fields.set(field, this.#cipher.open(value, [fieldPlace(run, field)]));
    }
    return { ...snapshot, fields };
  }

  #openEvent(run: string, event: StoredEvent): StoredEvent {
    const { type, data } = event;
    if (data[0] === jsonFormat && isScripts(type)) return event;
    const places = [eventPlace(run, event, event), ...askedPlaces(run, type)] as const;
    return { ...event, data: this.#cipher.open(data, places) };
  }

  #openMessage(run: string, message: Message): Message {
    const place = messagePlace(run, message);
    const places: readonly [Place, ...Place[]] =
      message.kind === 'cancel' ? [askedPlace(run, 'cancel'), place] : [place];
    return { ...message, data: this.#cipher.open(message.data, places) };
  }

  #openRecord(record: RunRecord): RunRecord {
    const { id, input, output } = record;
    return {
      ...this.#openSummary(record),
      input: this.#cipher.open(input, [payloadPlace(id, 'input')]),
      output: output && this.#cipher.open(output, [payloadPlace(id, 'output')]),
    };
  }

  #openSummary<T extends Omit<RunRecord, 'input' | 'output'>>(record: T): T {
    const { id, error, progress } = record;
    return {
      ...record,
      error: error && this.#openError(id, error),
      progress: progress && { ...progress, message: this.#openMessageText(id, progress.message) },
    };
  }

  /** A run that kept killing workers has its error from a script. */
  #openError(run: string, error: Uint8Array): Uint8Array {
    if (error[0] === jsonFormat) return error;
    return this.#cipher.open(error, [payloadPlace(run, 'error')]);
  }

  /** Only a picture for people: where it cannot be read it says so. */
  #openMessageText(run: string, message: string): string {
    try {
      return openText(this.#cipher, message, progressPlace(run));
    } catch (error) {
      return PawlError.is(error) ? error.code : 'PAWL_CORRUPT';
    }
  }
}
