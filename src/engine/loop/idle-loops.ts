/**
 * Deletes loops that nobody needs any more: now and then, by whoever works with some. Each is deleted as it was seen, so one
 * that was changed meanwhile stays: a claim raises the fence. A process that dies leaves the rest to the next one.
 */
import type { Checkpointer, LoopInfo } from '../../core/checkpointer.ts';
import { defaults } from '../../core/limits.ts';
import type { Seen } from '../../core/store.ts';
import { type LoopParts, loopVersion } from './store-loop-log.ts';

const everyMsMax = 60_000;

export class IdleLoops {
  readonly #checkpointer: Checkpointer;
  readonly #parts: LoopParts;
  readonly #workflow: string;
  readonly #isOver: (info: LoopInfo, now: number) => boolean | Promise<boolean>;
  #lookedAt = -Infinity;

  /** `isOver` says whether a loop of the kind is not needed any more, on the store's clock. */
  constructor(
    checkpointer: Checkpointer,
    parts: LoopParts,
    workflow: string,
    isOver: (info: LoopInfo, now: number) => boolean | Promise<boolean>,
  ) {
    this.#checkpointer = checkpointer;
    this.#parts = parts;
    this.#workflow = workflow;
    this.#isOver = isOver;
  }

  /** Looks at all of them, unless that was done of late: a minute ago, or `everyMs`. */
  async sweep(everyMs: number): Promise<void> {
    const { clock, store } = this.#parts;
    if (clock.now() - this.#lookedAt < Math.min(everyMsMax, everyMs)) return;
    this.#lookedAt = clock.now();
    const now = await store.observation.now();
    let cursor: string | undefined;
    do {
      const page = await this.#checkpointer.listRuns({
        workflow: this.#workflow,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const info of page.runs) {
        if (await this.#isOver(info, now)) await this.delete(info);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** False when it was changed since it was seen. */
  async delete({
    run,
    status,
    fence,
  }: Pick<LoopInfo, 'run' | 'status' | 'fence'>): Promise<boolean> {
    const { store } = this.#parts;
    const seen = status === 'running' ? await this.#free(run, fence) : { status, fence };
    if (seen === undefined) return false;
    const { outcome } = await store.delete(run, undefined, seen);
    return outcome === 'deleted';
  }

  /** Takes it from a process that has died, or is at work this moment; undefined when somebody else was first. */
  async #free(run: string, expectedFence: number): Promise<Seen | undefined> {
    const { store, newToken } = this.#parts;
    const about = { worker: 'delete', codeVersion: loopVersion, unmanaged: true } as const;
    const claimed = await store.claim({ run, expectedFence, token: newToken(), ...about });
    if (claimed.outcome !== 'claimed') return undefined;
    const { ownership, record } = claimed;
    const { outcome } = await store.commit({
      ...ownership,
      token: newToken(),
      expectedSeq: record.seq,
      events: [],
      release: { status: 'queued', resendMs: defaults.resendMs },
    });
    return outcome === 'committed' ? { status: 'queued', fence: ownership.fence } : undefined;
  }
}
