/**
 * The inbox of a claimed run: messages are taken into the log in the order in which they came, each with the commit that
 * removes it from the inbox. A commit names the messages that it takes, so that it never takes one that nobody has read.
 * A message that a dying worker had read but not committed is still there for the next one.
 *
 * Nobody waits for these commits. When one is refused, because the state has become too large, the run can only fail: that
 * is the log writer's to say, and the messages stay where they are.
 */
import type { Clock } from '../../core/clock.ts';
import { decode } from '../../core/codec.ts';
import { CorruptionError, PawlError } from '../../core/errors.ts';
import type { CancelRequest, ChildEnd } from '../../core/event.ts';
import type { Limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Request } from '../../core/request.ts';
import type { Mail, Message, RunStore } from '../../core/store.ts';
import { isMissing } from '../runs/family.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { LogWriter } from './log-writer.ts';
import { signalWrite } from './signal-writes.ts';
import { recordWrite, type Write } from './writes.ts';

export interface InboxOptions {
  readonly run: string;
  readonly workflow: AnyWorkflow;
  readonly limits: Limits;
  readonly store: RunStore;
  readonly writer: LogWriter;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Ends when the run is not this worker's any more. */
  readonly lost: AbortSignal;
  /** Called when messages are in the fold. */
  readonly onTaken: () => void;
  /** Called when these ends of children are in the log. */
  readonly onChildren: (ends: readonly ChildEnd[]) => void;
  /** Called when the run is to be paused, with who asked and why. */
  readonly onPaused: (request: Request) => void;
  /** Called when a message cannot be read: it is neither taken nor passed over. */
  readonly onUnreadable: (error: unknown) => void;
  /** Called when a message does not fit into the run. */
  readonly onRefused: (error: unknown) => void;
}

const retryMs = 200;
/** As many as a store returns at once; there may be more. */
const messagesPerPage = 100;

export class Inbox {
  readonly #options: InboxOptions;
  /** Ids of messages that are in the log, or on their way there. */
  readonly #taken = new Set<string>();
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Takes messages that were read together with the claim. */
  take(messages: readonly Message[]): void {
    const { onUnreadable, onTaken, onRefused } = this.#options;
    for (const message of messages) {
      if (this.#taken.has(message.id)) continue;
      let write: Write | undefined;
      try {
        write = toWrite(this.#options, message);
      } catch (error) {
        onUnreadable(error);
        return;
      }
      this.#taken.add(message.id);
      this.#submit(message, write).catch(onRefused);
    }
    if (messages.length > 0) onTaken();
    if (messages.length >= messagesPerPage) this.look();
  }

  /** Reads the inbox and takes what is new. Without an answer it reads again, until the run is let go of. */
  look(): void {
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = this.#read()
      .catch((error: unknown) => this.#options.onUnreadable(error))
      .finally(() => {
        this.#looking = undefined;
        if (!this.#lookAgain) return;
        this.#lookAgain = false;
        this.look();
      });
  }

  async #submit({ id, kind }: Message, write: Write | undefined): Promise<void> {
    const { writer, onChildren } = this.#options;
    await writer.submit(write === undefined ? [] : [write], { taken: [id] });
    if (kind === 'child' && write !== undefined) onChildren([write.value as ChildEnd]);
  }

  async #read(): Promise<void> {
    const { run, lost, clock, onPaused } = this.#options;
    while (!lost.aborted) {
      const mail = await this.#mail();
      if (mail === 'unreadable') return;
      if (mail !== undefined) {
        this.take(mail.messages);
        if (mail.paused) onPaused(toRequest(run, mail.pausedBy));
        return;
      }
      // Nobody may ask for this run again, and a handler that waits in place would wait for ever.
      await clock.sleep(retryMs, lost);
    }
  }

  /** Undefined without an answer. */
  async #mail(): Promise<Mail | 'unreadable' | undefined> {
    const { store, run, logger, onUnreadable } = this.#options;
    try {
      return await store.mail(run);
    } catch (error) {
      if (PawlError.is(error) && error.code === 'PAWL_CORRUPT') {
        onUnreadable(error);
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
 * What a message is in the log; undefined for one that only wakes.
 * @throws CorruptionError, KeyMissingError when it cannot be read.
 */
function toWrite(options: InboxOptions, message: Message): Write | undefined {
  const key = `run ${options.run}, inbox`;
  switch (message.kind) {
    case 'signal':
      return signalWrite(options, message);
    case 'cancel':
      return recordWrite('run.cancelling', decode(message.data, { key }) as CancelRequest);
    case 'child': {
      const end = decode(message.data, { key });
      return isMissing(end)
        ? undefined
        : recordWrite('child.ended', { ...(end as ChildEnd), at: message.at } satisfies ChildEnd);
    }
    default:
      throw new CorruptionError({ key }, `holds a message of the kind ${String(message.kind)}`);
  }
}
