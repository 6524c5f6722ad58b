/** What a handler has asked to have done when its run is cancelled, and the time that it has for all of its clean-up. */
import type { Clock } from '../../core/clock.ts';
import { textOfThrown } from '../../core/error-record.ts';
import type { CancelRequest } from '../../core/event.ts';
import type { Logger } from '../../core/logger.ts';

/** Registered by `ctx.onCancel`. */
export type OnCancel = (request: CancelRequest) => unknown;

export class CleanUp {
  /** Resolves when a cancelled handler has had its time to clean up. */
  readonly graceOver: Promise<'cancel-grace-over'>;
  readonly #registered: OnCancel[] = [];
  #onGraceOver: () => void = () => undefined;

  constructor() {
    this.graceOver = new Promise((resolve) => {
      this.#onGraceOver = () => resolve('cancel-grace-over');
    });
  }

  add(call: OnCancel): void {
    this.#registered.push(call);
  }

  /** Calls what is registered, the last first. Never rejects. */
  async run(
    request: CancelRequest,
    { logger, run }: { readonly logger: Logger; readonly run: string },
  ): Promise<void> {
    for (const call of this.#registered.splice(0).toReversed()) {
      try {
        await call(request);
      } catch (error) {
        logger.warn({ run, error: textOfThrown(error) }, 'clean-up failed');
      }
    }
  }

  /** The time begins; it ends without a word when the handler is over. */
  async limit(clock: Pick<Clock, 'sleep'>, ms: number, over: AbortSignal): Promise<void> {
    await clock.sleep(ms, over);
    if (!over.aborted) this.#onGraceOver();
  }
}
