/** Bugs in loops of one's own, and in what tells their states apart. */
import type { Judge, Mutant } from './mutant.ts';

const loops: Judge = { redis: 'test/conformance/differential-loops.test.ts' };

export const mutantsOfLoops: readonly Mutant[] = [
  {
    name: 'an object of a state that was changed in place is taken for the one that was saved',
    file: 'engine/loop/loop-state.ts',
    passage: 'if (!Object.isFrozen(value) || !(Array',
    by: 'if (!(Array',
    foundBy: [loops],
  },
  {
    name: 'a field that was dropped from a state stays in the store',
    file: 'engine/loop/loop-state.ts',
    passage: 'if (this.#layout === next.#layout) return [];',
    by: 'if (this.#layout !== next.#layout) return [];',
    foundBy: [loops],
  },
  {
    name: 'the difference to another state than the one that is stored is saved',
    file: 'engine/loop/loop-state.ts',
    passage: 'known?.from === this.#number ? known : this.#compare(next)',
    by: 'known ?? this.#compare(next)',
    foundBy: [loops],
  },
  {
    name: 'JSON that people read loses the sign of a zero',
    file: 'core/tagged-json.ts',
    passage: "if (Object.is(value, -0)) return { $number: '-0' };",
    by: '',
    foundBy: [loops],
  },
];
