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
    passage: 'const checked = checkEvents(events, this.#limits);',
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

/** Turns of one call: short ones, so that the function is soon compiled, as the code around it. */
const turnsOfCall = 100;

/** The passage, and a loop that computes for so many turns: a busy machine makes it longer, as the operation itself. */
export function slowed({ passage }: Plant, turns: number): string {
  return `${passage}
    globalThis.plantedTurns ??= (value) => {
      for (let turn = 0; turn < ${turnsOfCall}; turn++) value = (Math.imul(value, 31) + turn) | 0;
      return value;
    };
    globalThis.plantedValue = 1;
    for (let call = 0; call < ${Math.ceil(turns / turnsOfCall)}; call++) {
      globalThis.plantedValue = globalThis.plantedTurns(globalThis.plantedValue);
    }`;
}

/** How many turns are a millisecond of the processor, about. */
export const turnsOfMs = 1_000_000;
