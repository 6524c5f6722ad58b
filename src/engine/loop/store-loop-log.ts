/**
 * What a claim of somebody's own loop writes into a run store: each write is one commit.
 *
 * A commit that finds no answer is sent again, with the same token, until there is one: whether it was stored must not stay
 * in doubt, or the next seq could not be known. So a save takes as long as Redis is away; nothing is stored twice.
 */
import type { CheckpointMark } from '../../core/checkpoint.ts';
import type { LoopLog, LoopWrite } from '../../core/claimed-loop.ts';
import type { Clock } from '../../core/clock.ts';
import { FencedError, PawlError, RunError } from '../../core/errors.ts';
import { defaults, type Limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type {
  CommitOutcome,
  CommitParams,
  Ownership,
  Release,
  RunStore,
  SnapshotDelta,
} from '../../core/store.ts';
import { FieldPatch, LoopState, packFields } from './loop-state.ts';

export interface LoopParts {
  readonly store: RunStore;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newToken: () => string;
}

/** Loops have no code version of their own. */
export const loopVersion = 0;

const firstRetryMs = 25;
const retryMsMax = 1000;

/** What a save brings: all of the state, or some fields of it. */
type Packed = LoopState | FieldPatch;

export class StoreLoopLog implements LoopLog<Packed> {
  readonly #parts: LoopParts;
  readonly #ownership: Ownership;
  #seq: number;
  /** What the store holds of the snapshot. */
  #saved: LoopState;
  /** The newest that was encoded. It may be stored later, or never. */
  #packed: LoopState;

  constructor(
    parts: LoopParts,
    claimed: { readonly ownership: Ownership; readonly seq: number; readonly saved: LoopState },
  ) {
    this.#parts = parts;
    this.#ownership = claimed.ownership;
    this.#seq = claimed.seq;
    this.#saved = claimed.saved;
    this.#packed = claimed.saved;
  }

  pack(state: unknown): LoopState {
    this.#packed = this.#packed.followedBy(state, this.#parts.limits.stateBytes);
    return this.#packed;
  }

  packFields(fields: object): FieldPatch {
    return packFields(fields, this.#parts.limits.stateBytes);
  }

  async write(
    write: LoopWrite<Packed>,
  ): Promise<{ readonly seq: number; readonly version: number }> {
    const { snapshot } = write;
    const state = snapshot === undefined ? this.#saved : this.#after(snapshot.state);
    const params = this.#params(write, state);
    const outcome = await this.#commit(params);
    if (outcome.outcome !== 'committed') throw this.#refusal(outcome);
    this.#seq = outcome.seq;
    // The next save shares its bytes, whichever kind it is.
    if (snapshot?.state instanceof FieldPatch) this.#packed = state;
    this.#saved = state;
    return { seq: outcome.seq, version: outcome.version };
  }

  #after(packed: Packed): LoopState {
    if (packed instanceof LoopState) return packed;
    return this.#saved.patched(packed, this.#parts.limits.stateBytes);
  }

  /** A literal for each kind that is written often: spreading costs more than the rest of a save. */
  #params({ events, snapshot, end }: LoopWrite<Packed>, state: LoopState): CommitParams {
    const { run, fence, owner } = this.#ownership;
    const token = this.#parts.newToken();
    const expectedSeq = this.#seq;
    if (end !== undefined) {
      const more = snapshot === undefined ? {} : { snapshot: this.#delta(state, snapshot.mark) };
      const release = toRelease(end);
      return { run, fence, owner, token, expectedSeq, events, ...more, release };
    }
    if (snapshot === undefined) return { run, fence, owner, token, expectedSeq, events };
    const delta = this.#delta(state, snapshot.mark);
    return { run, fence, owner, token, expectedSeq, events, snapshot: delta };
  }

  #delta(state: LoopState, mark: CheckpointMark | undefined): SnapshotDelta {
    const { set, remove, full } = this.#saved.changesTo(state);
    const schema = loopVersion;
    if (mark === undefined) return { schema, set, remove, full };
    return { schema, set, remove, full, checkpoints: { marks: [mark], bytes: state.bytes } };
  }

  async #commit(params: CommitParams): Promise<CommitOutcome> {
    const { store, clock, logger } = this.#parts;
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        return await store.commit(params);
      } catch (error) {
        if (!PawlError.is(error) || error.code !== 'PAWL_UNAVAILABLE') throw error;
        logger.warn(
          { run: params.run, error: String(error) },
          'save found no answer, trying again',
        );
        await clock.sleep(delayMs);
      }
    }
  }

  #refusal(outcome: Exclude<CommitOutcome, { outcome: 'committed' }>): PawlError {
    const { run, fence: held } = this.#ownership;
    switch (outcome.outcome) {
      case 'fenced':
        return new FencedError(run, { held, current: outcome.fence }, { applied: outcome.applied });
      case 'missing':
        return new RunError(
          'PAWL_RUN_NOT_FOUND',
          run,
          `Run ${run} was deleted; nothing later is stored.`,
        );
      case 'conflict':
      case 'unread':
        return new RunError(
          'PAWL_REWOUND',
          run,
          `Redis lost acknowledged events of run ${run}: it is not at seq ${this.#seq} any more. Claim it again and go on from what is left.`,
        );
    }
  }
}

function toRelease(end: NonNullable<LoopWrite<Packed>['end']>): Release {
  return end.status === 'completed'
    ? { ...end, keepMs: defaults.keepMs }
    : { ...end, resendMs: defaults.resendMs };
}
