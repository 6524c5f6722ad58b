/**
 * What happened to each run, in words, for whoever reads of a violation: chance has a part in most, and to play the program
 * again may not show it again.
 */
import type { Release } from '../../src/core/release.ts';
import type { RunStore } from '../../src/core/store.ts';
import { withMethods } from '../support/with-methods.ts';

/** So many lines are kept of a run: the last ones. */
const linesMost = 300;

export class Stories {
  readonly #lines = new Map<string, string[]>();
  readonly #began = performance.now();

  tell(run: string, what: string): void {
    const lines = this.#lines.get(run) ?? [];
    lines.push(`${(performance.now() - this.#began).toFixed(1)} ${what}`);
    if (lines.length > linesMost) lines.shift();
    this.#lines.set(run, lines);
  }

  of(run: string): readonly string[] {
    return [...(this.#lines.get(run) ?? [])];
  }

  /** What is known of the run is not needed any more. */
  forget(run: string): void {
    for (const id of this.#lines.keys()) {
      if (id === run || id.startsWith(`${run}.`)) this.#lines.delete(id);
    }
  }
}

function letGo(release: Release): string {
  return release.status === 'waiting' ? `${release.status} (${release.why})` : release.status;
}

/** The store of a worker; who takes and lets go of a run through it is told. */
export function tellingStore(store: RunStore, stories: Stories, worker: string): RunStore {
  return withMethods(store, {
    claim: async (params) => {
      const answer = await store.claim(params);
      const { run, reclaim = false } = params;
      const how = answer.outcome === 'claimed' ? ` at ${answer.ownership.fence}` : '';
      const what = reclaim ? 'reclaim' : 'claim';
      stories.tell(run, `${worker} ${what}: ${answer.outcome}${how}`);
      return answer;
    },
    commit: async (params) => {
      const { run, release, fence } = params;
      if (release === undefined) return store.commit(params);
      stories.tell(run, `${worker} lets go at ${fence}: ${letGo(release)}`);
      const answer = await store.commit(params);
      stories.tell(run, `${worker} has let go at ${fence}: ${answer.outcome}`);
      return answer;
    },
  });
}
