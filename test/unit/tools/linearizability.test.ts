// Goal: the checker accepts what could have happened and nothing else. Method: short histories of a register, the verdicts
// known; then random ones made from a real order, and the same with one answer doctored.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkHistory, type Model, type Operation } from '../../support/linearizability/checker.ts';

type Input =
  | { readonly write: number }
  | { readonly read: true }
  | { readonly swap: number; readonly from: number };
type Answer = number | 'ok' | 'refused';

const register: Model<number, Input, Answer> = {
  initial: 0,
  step(state, input, answer) {
    if ('write' in input) return answer === undefined || answer === 'ok' ? input.write : undefined;
    if ('read' in input) return answer === undefined || answer === state ? state : undefined;
    const right = state === input.from ? 'ok' : 'refused';
    if (answer !== undefined && answer !== right) return undefined;
    return right === 'ok' ? input.swap : state;
  },
  key: String,
};

function op(
  call: number,
  end: number,
  input: Input,
  answer: Answer | undefined,
): Operation<Input, Answer> {
  return { call, return: end, input, answer, optional: answer === undefined };
}
const read = { read: true } as const;
const accepted = (history: Operation<Input, Answer>[]): boolean =>
  checkHistory(register, history).linearizable;

test('an empty history, and one after the other', () => {
  expect(accepted([])).toBe(true);
  expect(accepted([op(1, 2, { write: 1 }, 'ok'), op(3, 4, read, 1)])).toBe(true);
  expect(accepted([op(1, 2, { write: 1 }, 'ok'), op(3, 4, read, 0)])).toBe(false);
});

test('a read beside a write may see either, but not the old value after the new', () => {
  const write = op(1, 10, { write: 1 }, 'ok');
  expect(accepted([write, op(2, 3, read, 0), op(4, 5, read, 1)])).toBe(true);
  expect(accepted([write, op(2, 3, read, 1), op(4, 5, read, 0)])).toBe(false);
});

test('two swaps from the same value cannot both succeed', () => {
  const swaps = (a: Answer, b: Answer): boolean =>
    accepted([op(1, 4, { from: 0, swap: 1 }, a), op(2, 3, { from: 0, swap: 2 }, b)]);
  expect(swaps('ok', 'refused')).toBe(true);
  expect(swaps('refused', 'ok')).toBe(true);
  expect(swaps('ok', 'ok')).toBe(false);
  expect(swaps('refused', 'refused')).toBe(false);
});

test('an operation without an answer may have happened late, or never, but not before its call', () => {
  const lost = op(1, Infinity, { write: 7 }, undefined);
  expect(accepted([lost, op(2, 3, read, 0), op(4, 5, read, 0)])).toBe(true);
  expect(accepted([lost, op(2, 3, read, 0), op(4, 5, read, 7)])).toBe(true);
  expect(accepted([lost, op(2, 3, read, 7), op(4, 5, read, 0)])).toBe(false);
  expect(accepted([op(1, 2, read, 7), op(3, Infinity, { write: 7 }, undefined)])).toBe(false);
  // Not twice.
  const twice = [op(2, 3, read, 7), op(4, 5, { write: 1 }, 'ok'), op(6, 7, read, 7)];
  expect(accepted([lost, ...twice])).toBe(false);
});

test('an operation without an answer that has an end does not happen after it', () => {
  const lost = op(1, 4, { write: 7 }, undefined);
  expect(accepted([lost, op(2, 3, read, 0), op(5, 6, read, 7)])).toBe(true);
  expect(accepted([lost, op(5, 6, read, 0), op(7, 8, read, 7)])).toBe(false);
});

test('says how far it came', () => {
  const verdict = checkHistory(register, [
    op(1, 2, { write: 1 }, 'ok'),
    op(3, 4, { write: 2 }, 'ok'),
    op(5, 6, read, 1),
  ]);
  expect(verdict).toMatchObject({
    placed: [{ input: { write: 1 } }, { input: { write: 2 } }],
    stuck: [{ input: read, answer: 1 }],
  });
});

/** What really happened, one at a time, and how far call and return lie around it. */
const happened = fc.array(
  fc.record({
    input: fc.oneof(
      fc.record({ write: fc.nat(3) }),
      fc.constant(read),
      fc.record({ from: fc.nat(3), swap: fc.nat(3) }),
    ),
    before: fc.nat(40),
    behind: fc.nat(40),
    lost: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

test('every history that has an order is accepted, and a value nobody wrote is not', () => {
  fc.assert(
    fc.property(happened, (moments) => {
      let state = 0;
      const history = moments.map(({ input, before, behind, lost }, i) => {
        const answer: Answer =
          'write' in input
            ? 'ok'
            : 'read' in input
              ? state
              : state === input.from
                ? 'ok'
                : 'refused';
        state = register.step(state, input, answer) ?? state;
        // Thousandths keep every time different from all others.
        const call = i * 10 - before + i / 1000;
        const end = i * 10 + behind + 0.5 + i / 1000;
        return lost && i % 3 === 0
          ? op(call, Infinity, input, undefined)
          : op(call, end, input, answer);
      });
      expect(accepted(history)).toBe(true);
      const { call, return: end } = history[0] ?? op(0, 1, read, 0);
      expect(accepted([...history, op(call + 0.0001, end + 0.0001, read, 99)])).toBe(false);
    }),
    { seed: 1, numRuns: 300 },
  );
});
