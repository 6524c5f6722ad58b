/**
 * The inbox of a claimed run: messages are taken into the log in the order in which they came, each with the commit that
 * removes it from the inbox. A commit names the messages that it takes, so that it never takes one that nobody has read.
 * A message that a dying worker had read but not committed is still there for the next one.
 *
 * The end of a child may have been found by looking before its message is read: see `children.ts`. Then the message leaves
 * the inbox without an event, so that a log tells of an end once. A crash in between leaves the message and the event; the
 * next execution folds the event, and passes over the message.
 *
 * Nobody waits for these commits. When one is refused, because the state has become too large, the run can only fail: that
 * is the log writer's to say, and the messages stay where they are.
 */
import { newlyEnded } from '../../core/children.ts';
import { decode } from '../../core/codec.ts';
import { detach } from '../../core/detached.ts';
import { CorruptionError, PawlError } from '../../core/errors.ts';
import type { CancelRequest, ChildEnd } from '../../core/event.ts';
import type { Request } from '../../core/request.ts';
import type { UnreadMessages, Message } from '../../core/store.ts';
import { isMissing, noteTold } from '../runs/family.ts';
import type { RunScope } from './scope.ts';
import type { ExecutionServices } from './services.ts';
import { type Receiver, signalWrite } from './signal-writes.ts';
import { recordWrite, type Write } from './writes.ts';

type Services = Pick<ExecutionServices, 'store' | 'limits' | 'clock' | 'logger' | 'wake'>;

/** Why a run cannot go on: a message cannot be read, or the run cannot take what is to be stored. */
export interface Broken {
  readonly kind: 'unreadable' | 'refused';
  readonly error: unknown;
}

/** Who is told what has come. */
export interface InboxReader {
  /** Called when messages are in the fold. */
  readonly onTaken: () => void;
  /** Called when the run is to be paused, with who asked and why. */
  readonly onPaused: (request: Request) => void;
  /** Called when a message is neither taken nor passed over. */
  readonly onBroken: (broken: Broken) => void;
}

const retryMs = 200;
/** As many as a store returns at once; there may be more. */
const messagesPerPage = 100;

export class Inbox {
  readonly #scope: RunScope;
  readonly #services: Services;
  readonly #reader: InboxReader;
  /** Ids of messages that are in the log, or on their way there. */
  readonly #taken = new Set<string>();
  /** Messages on their way into the log. */
  readonly #storing = new Set<Promise<void>>();
  #looking: Promise<void> | undefined;
  #pollAgain = false;

  constructor(scope: RunScope, services: Services, reader: InboxReader) {
    this.#scope = scope;
    this.#services = services;
    this.#reader = reader;
  }

  /**
   * Takes messages that were read, with the claim or later. Whoever is told of them looks for them in the fold. So nothing
   * is taken while the run is away: the fold would learn of it only after that.
   */
  take(messages: readonly Message[]): void {
    const opened = messages.length === 0 ? undefined : this.#scope.writer.opened();
    if (opened === undefined) {
      this.#take(messages);
      return;
    }
    detach(
      opened.then(() => this.take(messages)),
      (error) => this.#reader.onBroken({ kind: 'refused', error }),
    );
  }

  #take(messages: readonly Message[]): void {
    const { onTaken, onBroken } = this.#reader;
    const { run, workflow, fold } = this.#scope;
    const receiver = { run, workflow, limits: this.#services.limits };
    for (const message of messages) {
      if (this.#taken.has(message.id)) continue;
      let write: Write | undefined;
      let end: ChildEnd | undefined;
      try {
        if (message.kind === 'child') {
          end = toChildEnd(run, message);
          if (end !== undefined && newlyEnded(fold, end)) write = recordWrite('child.ended', end);
        } else {
          write = toWrite(receiver, message);
        }
      } catch (error) {
        onBroken({ kind: 'unreadable', error });
        return;
      }
      this.#taken.add(message.id);
      this.#store(message, write, end);
    }
    if (messages.length > 0) onTaken();
    // Those behind a full page are seen when it has left the inbox, and not before.
    if (messages.length < messagesPerPage) return;
    detach(
      Promise.all(this.#storing).then(() => this.poll()),
      () => undefined,
    );
  }

  #store(message: Message, write: Write | undefined, end: ChildEnd | undefined): void {
    const { onBroken } = this.#reader;
    const stored = this.#submit(message, write, end)
      .catch((error: unknown) => onBroken({ kind: 'refused', error }))
      .finally(() => this.#storing.delete(stored));
    this.#storing.add(stored);
  }

  /** Reads the inbox and takes what is new. Without an answer it reads again, until the run is let go of. */
  poll(): void {
    if (this.#looking !== undefined) {
      this.#pollAgain = true;
      return;
    }
    this.#looking = this.#read()
      .catch((error: unknown) => this.#reader.onBroken({ kind: 'unreadable', error }))
      .finally(() => {
        this.#looking = undefined;
        if (!this.#pollAgain) return;
        this.#pollAgain = false;
        this.poll();
      });
  }

  async #submit(
    { id }: Message,
    write: Write | undefined,
    end: ChildEnd | undefined,
  ): Promise<void> {
    const { writer } = this.#scope;
    await writer.submit(write === undefined ? [] : [write], { taken: [id] });
    if (end !== undefined) this.#noteTold(end);
  }

  /** The child owes nothing any more. Best effort: the sweeper asks again. */
  #noteTold(end: ChildEnd): void {
    detach(noteTold(this.#services, [end]), () => undefined);
  }

  async #read(): Promise<void> {
    const { run, lost } = this.#scope;
    while (!lost.aborted) {
      const unread = await this.#readInbox();
      if (unread === 'unreadable') return;
      if (unread !== undefined) {
        this.take(unread.messages);
        if (unread.paused) this.#reader.onPaused(toRequest(run, unread.pausedBy));
        return;
      }
      // Nobody may ask for this run again, and a handler that waits in place would wait for ever.
      await this.#services.clock.sleep(retryMs, lost.signal);
    }
  }

  /** Undefined without an answer. */
  async #readInbox(): Promise<UnreadMessages | 'unreadable' | undefined> {
    const { store, logger } = this.#services;
    const { run } = this.#scope;
    try {
      return await store.readInbox(run);
    } catch (error) {
      if (PawlError.is(error) && error.code === 'PAWL_CORRUPT') {
        this.#reader.onBroken({ kind: 'unreadable', error });
        return 'unreadable';
      }
      logger.warn({ run, error: String(error) }, 'inbox not read, trying again');
      return undefined;
    }
  }
}

/** Who asked for a pause is worth less than the pause: one that cannot be read is nobody. */
function toRequest(run: string, data: Uint8Array | undefined): Request {
  try {
    return data === undefined ? {} : (decode(data, { key: `run ${run}, pause` }) as Request);
  } catch {
    return {};
  }
}

/**
 * The end that a child tells of; undefined for a message that only wakes.
 * @throws CorruptionError, KeyMissingError when it cannot be read.
 */
function toChildEnd(run: string, { data, at }: Message): ChildEnd | undefined {
  const end = decode(data, { key: `run ${run}, inbox` });
  return isMissing(end) ? undefined : { ...(end as ChildEnd), at };
}

/**
 * What a message is in the log.
 * @throws CorruptionError, KeyMissingError when it cannot be read.
 */
function toWrite(receiver: Receiver, message: Message): Write {
  const { kind } = message;
  const key = `run ${receiver.run}, inbox`;
  switch (kind) {
    case 'signal':
      return signalWrite(receiver, message);
    case 'cancel':
      return recordWrite('run.cancelling', decode(message.data, { key }) as CancelRequest);
    default:
      throw new CorruptionError({ key }, `holds a message of the kind ${kind}`);
  }
}
