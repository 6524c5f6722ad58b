import type { Ownership, RunStore } from '../../../src/core/store.ts';
import type { Turn } from '../../../src/core/turns.ts';

/** What a move stands for in a play. */
export type Call = (store: RunStore) => Promise<unknown>;

/** What the players remember. All of it comes from the reference store, and so is the same for both. */
export class Memory {
  readonly claims = new Map<string, Ownership[]>();
  readonly calls: Call[] = [];
  /** Turns that were granted. */
  readonly turns: Turn[] = [];
  #tokens = 0;

  token(): string {
    this.#tokens += 1;
    return `token-${this.#tokens}`;
  }

  /** The claim of a run that was made so many claims ago. */
  claim(run: string, back: number): Ownership {
    return this.claims.get(run)?.at(-1 - back) ?? { run, fence: 1, owner: 'nobody' };
  }

  remember(ownership: Ownership): void {
    const claims = this.claims.get(ownership.run) ?? [];
    if (claims.at(-1)?.owner !== ownership.owner) claims.push(ownership);
    this.claims.set(ownership.run, claims);
  }
}
