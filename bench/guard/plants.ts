/**
 * Slowdowns to plant, each of a fifth of what one operation takes: the guard must see every one of them, and nothing where
 * nothing is planted. A house test holds the passages to the sources.
 */

export interface Plant {
  /** Of a guarded workload, which is to be found slower. */
  readonly workload: string;
  readonly what: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands in the file exactly once, and is passed once for each operation. */
  readonly passage: string;
  /** One operation comes after the other: each takes what client and server take, and not the larger of both. */
  readonly alone?: true;
}

/** What an operation takes more. */
export const share = 0.2;

export const plants: readonly Plant[] = [
  {
    workload: 'append-64',
    what: 'saveEvent of a loop',
    file: 'core/claimed-loop.ts',
    passage: 'const events = checkEvents([event], this.#limits);',
  },
  {
    workload: 'save-one-100kb',
    what: 'saveSnapshot of a loop',
    file: 'core/claimed-loop.ts',
    passage: 'const packed = pack();',
    alone: true,
  },
  {
    workload: 'load',
    what: 'loadLatest of a loop',
    file: 'engine/loop/store-checkpointer.ts',
    passage: 'let loaded = await store.load(run);',
    alone: true,
  },
  {
    workload: 'step-64',
    what: 'ctx.step of a handler',
    file: 'engine/execution/steps.ts',
    passage: 'deliveries.asked();',
  },
  {
    workload: 'runs',
    what: 'a run of one step',
    file: 'engine/execution/execution.ts',
    passage: 'this.#lapses = host.session.lapses;',
  },
];

/**
 * The passage, and a loop that computes for about so long. How many turns that is, the process finds out when it comes there
 * first; a busy machine makes each of them longer, as it does with the operation.
 */
export function slowed({ passage }: Plant, ms: number): string {
  return `${passage}
    globalThis.planted ??= (() => {
      const spin = (turns, from) => {
        let value = from;
        for (let turn = 0; turn < turns; turn++) value = (Math.imul(value, 31) + turn) | 0;
        return value;
      };
      const some = 20_000;
      const took = Array.from({ length: 101 }, (_, i) => {
        const before = performance.now();
        spin(some, i);
        return performance.now() - before;
      });
      const typical = took.slice(20).sort((a, b) => a - b)[40];
      return { spin, turns: Math.round((${ms} * some) / typical), value: 1 };
    })();
    globalThis.planted.value = globalThis.planted.spin(globalThis.planted.turns, globalThis.planted.value);`;
}
