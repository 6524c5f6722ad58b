/** A run of the store, claimed and ready to be written to, as the engine has it. */
import { encode } from '../src/core/codec.ts';
import { defaultLimits } from '../src/core/limits.ts';
import type { NewEvent } from '../src/core/event.ts';
import type { ClaimOutcome, Release, SnapshotDelta } from '../src/core/store.ts';
import { newToken } from '../src/engine/token.ts';
import { RedisRunStore } from '../src/redis/run-store.ts';

export function openStore(url: string): Promise<RedisRunStore> {
  return RedisRunStore.open({ redis: url, prefix: 'bench' });
}

export class ClaimedRun {
  readonly #store: RedisRunStore;
  readonly #ownership: { readonly run: string; readonly fence: number; readonly owner: string };
  #seq: number;

  private constructor(
    store: RedisRunStore,
    claimed: { run: string; fence: number; owner: string; seq: number },
  ) {
    this.#store = store;
    const { run, fence, owner, seq } = claimed;
    this.#ownership = { run, fence, owner };
    this.#seq = seq;
  }

  static async claim(store: RedisRunStore, run: string): Promise<ClaimedRun> {
    const data = encoded(null);
    const resendMs = 60_000;
    await store.create({
      run,
      workflow: 'bench',
      input: data,
      tags: {},
      data,
      token: newToken(),
      resendMs,
    });
    const claim = { run, worker: 'bench', codeVersion: 1, token: newToken() };
    const claimed = await store.claim(claim);
    if (claimed.outcome !== 'claimed') throw new Error(`run ${run} was ${claimed.outcome}`);
    return ClaimedRun.from(store, claimed);
  }

  static from(
    store: RedisRunStore,
    { ownership, record }: Extract<ClaimOutcome, { outcome: 'claimed' }>,
  ): ClaimedRun {
    return new ClaimedRun(store, { ...ownership, seq: record.seq });
  }

  /** One commit. */
  async commit(
    events: readonly NewEvent[],
    snapshot?: SnapshotDelta,
    release?: Release,
  ): Promise<void> {
    const { run, fence, owner } = this.#ownership;
    const params = { run, fence, owner, token: newToken(), expectedSeq: this.#seq, events };
    const outcome = await this.#store.commit(
      snapshot === undefined && release === undefined
        ? params
        : {
            ...params,
            ...(snapshot === undefined ? {} : { snapshot }),
            ...(release === undefined ? {} : { release }),
          },
    );
    if (outcome.outcome !== 'committed') throw new Error(`a commit was ${outcome.outcome}`);
    this.#seq = outcome.seq;
  }

  /** Completes the run. */
  end(): Promise<void> {
    const release = { status: 'completed', output: encoded(null), keepMs: 3_600_000 } as const;
    return this.commit([], undefined, release);
  }
}

export function encoded(value: unknown): Uint8Array {
  return encode(value, 'value', defaultLimits.stateBytes);
}
