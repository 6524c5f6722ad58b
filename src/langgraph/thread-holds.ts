/** Gives threads to runs that execute graphs on them: see `HoldParams`. */
import type { CopyParams } from './copying.ts';
import type { ThreadCipher } from './payloads.ts';
import type { ThreadStore } from '../core/langgraph.ts';
import { PawlError } from '../core/errors.ts';
import { lostError, ThreadHold } from './thread-hold.ts';
import { checkId, runOf } from './thread-ids.ts';
import { threadInput } from './thread-record.ts';

interface Parts {
  readonly store: ThreadStore;
  readonly cipher: ThreadCipher | undefined;
  readonly newToken: () => string;
}

interface Claim {
  readonly by: string;
  readonly fence: number;
}

type Copy = (copied: CopyParams) => Promise<void>;

export class ThreadHolds {
  readonly #parts: Parts;
  readonly #copy: Copy;

  /** `copy` makes a thread of another one, as `copyThread` does. */
  constructor(parts: Parts, copy: Copy) {
    this.#parts = parts;
    this.#copy = copy;
  }

  /** Undefined when nobody holds the thread, or there is none. */
  async holderOf(threadId: string): Promise<string | undefined> {
    return this.#parts.store.holder(runOf(checkId(threadId, 'thread')));
  }

  /**
   * Gives a thread to the claim of a run, which names itself with every write from then on.
   * @throws RunError `PAWL_THREAD_TAKEN` when another one has it, `PAWL_RUN_EXISTS`; InvalidError. Nothing was written.
   */
  async take(
    threadId: string,
    claim: Claim,
    seen: 'again' | { readonly holder: string | undefined },
  ): Promise<ThreadHold> {
    const thread = checkId(threadId, 'thread');
    const run = runOf(thread);
    const { store, newToken, cipher } = this.#parts;
    const input = threadInput(thread, run, cipher);
    const made = await store.hold({ ...claim, run, token: newToken(), input, seen });
    if (made.outcome !== 'held') throw lostError(thread, claim.by);
    return new ThreadHold(thread, claim);
  }

  /**
   * Makes a thread for the claim of a run, of another thread as it was at a checkpoint. When an attempt before this one has
   * made it, it is taken as it is.
   * @throws RunError `PAWL_RUN_EXISTS` when another thread has the id; InvalidError for a thread or checkpoint that is no
   *   more. Nothing was written.
   */
  async fork(
    fromId: string,
    { threadId: toId, checkpoint }: { readonly threadId: string; readonly checkpoint: string },
    claim: Claim,
  ): Promise<ThreadHold> {
    const hold = new ThreadHold(toId, claim);
    try {
      await this.#copy({ fromId, toId, checkpoint, holder: hold.text });
      return hold;
    } catch (error) {
      const isThere = PawlError.is(error) && error.code === 'PAWL_RUN_EXISTS';
      if (!isThere || !isOf(claim.by, await this.holderOf(toId))) throw error;
      return this.take(toId, claim, 'again');
    }
  }
}

function isOf(run: string, holder: string | undefined): boolean {
  return holder?.replace(/ \d+$/, '') === run;
}
