/**
 * The inbox of a claimed run: messages are taken into the log in the order in which they came, each with the commit that
 * removes it from the inbox. A message that a dying worker had read but not committed is still there for the next one.
 */
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Mail, Message, RunStore } from '../../core/store.ts';
import type { CancelRequest, ChildEnd } from '../../core/event.ts';
import { decode } from '../../core/codec.ts';
import { CorruptionError, PawlError } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import type { Request } from '../../core/request.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { LogWriter } from './log-writer.ts';
import { signalWrite } from './signal-writes.ts';
import { recordWrite, type Write } from './writes.ts';

export interface MailboxOptions {
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
  /** Called when the run is to be paused, with who asked and why. */
  readonly onPaused: (request: Request) => void;
  /** Called when a message cannot be read: it is neither taken nor passed over. */
  readonly onUnreadable: (error: unknown) => void;
}

const retryMs = 200;

export class Mailbox {
  readonly #options: MailboxOptions;
  /** Ids of messages that are in the log, or on their way there. */
  readonly #taken = new Set<string>();
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** Takes messages that were read together with the claim. */
  take(messages: readonly Message[]): void {
    const fresh = messages.filter(({ id }) => !this.#taken.has(id));
    if (fresh.length === 0) return;
    const { writer, onUnreadable } = this.#options;
    let writes: readonly Write[];
    try {
      writes = fresh.map((message) => toWrite(this.#options, message));
    } catch (error) {
      onUnreadable(error);
      return;
    }
    for (const { id } of fresh) this.#taken.add(id);
    // Nobody waits for it: it is durable before anything that follows from it.
    void writer.submit(writes, { taken: fresh.length });
    this.#options.onTaken();
  }

  /** Reads the inbox and takes what is new. Never rejects: without an answer it reads again, until the run is let go of. */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#read().finally(() => {
      this.#looking = undefined;
      if (!this.#lookAgain) return;
      this.#lookAgain = false;
      void this.look();
    });
    return this.#looking;
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

/** @throws CorruptionError, KeyMissingError when the message cannot be read. */
function toWrite(options: MailboxOptions, message: Message): Write {
  const key = `run ${options.run}, inbox`;
  switch (message.kind) {
    case 'signal':
      return signalWrite(options, message);
    case 'cancel':
      return recordWrite('run.cancelling', decode(message.data, { key }) as CancelRequest);
    case 'child':
      return recordWrite('child.ended', decode(message.data, { key }) as ChildEnd);
    default:
      throw new CorruptionError({ key }, `holds a message of the kind ${String(message.kind)}`);
  }
}
