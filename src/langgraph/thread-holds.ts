/** Gives threads to runs that execute graphs on them: see `HoldParams`. */
import type { ThreadCipher } from './payloads.ts';
import type { ThreadStore } from '../core/langgraph.ts';
import { lostError, ThreadHold } from './thread-hold.ts';
import { checkId, runOf } from './thread-ids.ts';
import { threadInput } from './thread-record.ts';

interface Parts {
  readonly store: ThreadStore;
  readonly cipher: ThreadCipher | undefined;
  readonly newToken: () => string;
}

export class ThreadHolds {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
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
    claim: { readonly by: string; readonly fence: number },
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
}
