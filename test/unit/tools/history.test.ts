// Goal: the judge accepts what is sound and finds what is not. Method: sound histories out of a model of a run's life, by
// chance; then one bug is planted in each, and the invariant that is there to find it must.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRecord } from '../../../src/engine/payloads.ts';
import { bugs } from '../../support/history/bugs.ts';
import { doctored, type Pick } from '../../support/history/doctor.ts';
import { digestOf, type History } from '../../support/history/history.ts';
import { invariants, judge } from '../../support/history/judge.ts';
import { recover } from '../../support/history/recover.ts';
import { flow, type Move, moves, soundHistory } from '../../support/history/sound.ts';

/** Every bug finds a place in this one. */
const everything: readonly (readonly Move[])[] = [
  ['claim', 'step', 'inner', 'save', 'step', 'lose', 'claim', 'step', 'hand back', 'claim', 'end'],
  ['claim', 'step', 'save', 'inner', 'lose', 'claim', 'signal', 'take', 'step', 'signal'],
  ['claim', 'step', 'lose'],
  ['claim', 'step', 'sleep'],
  ['claim', 'wait', 'signal'],
  ['claim', 'wait', 'pause'],
  [],
];

const first: Pick = (items) => items[0];

/** The beginning of one of those, and anything behind it. */
const plan = fc
  .tuple(fc.constantFrom(...everything), fc.nat(9), fc.array(fc.constantFrom(...moves)))
  .map(([known, length, any]) => [...known.slice(0, length), ...any]);
const plans = fc.array(plan, { minLength: 1, maxLength: 4 });

function found(history: History, options = {}): string[] {
  return [...new Set(judge(history, options).map(({ invariant }) => invariant))];
}

test('every invariant has a bug that it must find, and every bug an invariant', () => {
  const names = invariants.map(({ name }) => name);
  expect([...new Set(bugs.map(({ finds }) => finds))].sort()).toEqual([...names].sort());
  for (const { sentence } of invariants) expect(sentence).toMatch(/^[A-Z].*\.$/);
});

describe('a history in which', () => {
  test.each(bugs)('$name: "$finds"', async (bug) => {
    const sound = await soundHistory(everything);
    expect(judge(sound)).toEqual([]);
    const spoilt = await doctored(sound, bug, first);
    expect(spoilt).toBeDefined();
    const violations = judge(spoilt as History, bug.options);
    const own = violations.filter(({ invariant }) => invariant === bug.finds);
    expect(own.length, JSON.stringify(violations)).toBeGreaterThan(0);
  });
});

test('any sound history is accepted, and any bug in it is found', async () => {
  const planted = new Map(bugs.map(({ name }) => [name, 0]));
  await fc.assert(
    fc.asyncProperty(plans, fc.nat(), async (chosen, chance) => {
      const sound = await soundHistory(chosen);
      expect(judge(sound, { allowRewinds: true })).toEqual([]);
      const any: Pick = (items) => items[chance % Math.max(1, items.length)];
      for (const bug of bugs) {
        const spoilt = await doctored(sound, bug, any);
        if (spoilt === undefined) continue;
        planted.set(bug.name, (planted.get(bug.name) ?? 0) + 1);
        expect(found(spoilt, bug.options), bug.name).toContain(bug.finds);
      }
    }),
    { numRuns: 150, examples: [[everything.map((moved) => [...moved]), 0]] },
  );
  // A bug that never found a place has proved nothing.
  for (const [name, times] of planted) expect(times, name).toBeGreaterThan(0);
});

test('any sound history is accepted when its logs are compacted, and a gap in one is found', async () => {
  let gaps = 0;
  await fc.assert(
    fc.asyncProperty(plans, fc.nat(3), async (chosen, more) => {
      const history = await soundHistory(chosen);
      const runs = await Promise.all(
        history.runs.map(async (run) => {
          const cut = Math.min(run.snapshot?.seq ?? 0, run.record.seq - 1) - more;
          const firstSeq = Math.max(1, cut + 1);
          const events = run.events.filter(({ seq }) => seq >= firstSeq);
          const changed = { ...run, events, record: { ...run.record, firstSeq } };
          return { ...changed, recovered: await recover(changed, flow) };
        }),
      );
      expect(judge({ ...history, runs }, { allowRewinds: true })).toEqual([]);
      const spoilt = runs.find(({ record, events }) => record.firstSeq > 1 && events.length > 2);
      if (spoilt === undefined) return;
      gaps += 1;
      const events = spoilt.events.filter((_, i) => i !== 1);
      const others = runs.filter((run) => run !== spoilt);
      const violations = found({ ...history, runs: [...others, { ...spoilt, events }] });
      expect(violations).toContain('dense seqs');
    }),
    { numRuns: 60, examples: [[everything.map((moved) => [...moved]), 0]] },
  );
  expect(gaps).toBeGreaterThan(0);
});

test('when all runs have ended, a settled history is sound', async () => {
  const history = await soundHistory([
    ['claim', 'step', 'end'],
    ['claim', 'end'],
  ]);
  expect(judge(history, { settled: true })).toEqual([]);
});

describe('a run that Redis has rewound', () => {
  /** Redis forgot the last `lost` events of a run at work, and its owner has written that down. */
  async function rewound(lost: number, after: readonly string[] = []): Promise<History> {
    const history = await soundHistory([['claim', 'step', 'save', 'step', 'step']]);
    const [run] = history.runs;
    if (run === undefined) throw new Error('there is a run');
    const { fence } = run.record;
    const events = run.events.slice(0, run.events.length - lost);
    const foundSeq = events.length;
    const data = { worker: 'w', acknowledgedSeq: run.events.length, foundSeq };
    const told = [...history.told];
    for (const type of ['run.rewound', ...after]) {
      const event = { type, at: history.at, data: encodeRecord(data), fence };
      events.push({ ...event, seq: events.length + 1 });
      const { seq } = events.at(-1) ?? { seq: 0 };
      const by = 'worker of run 0';
      told.push({ run: run.id, seq, type, digest: digestOf(event.data), fence, by });
    }
    const record = { ...run.record, seq: events.length };
    const changed = { ...run, events, record };
    const recovered = await recover(changed, flow);
    return { ...history, told, runs: [{ ...changed, recovered }] };
  }

  test('may lack what was acknowledged behind the point it came back to', async () => {
    const history = await rewound(3);
    expect(judge(history, { allowRewinds: true })).toEqual([]);
  });

  test('may not where nothing may be lost', async () => {
    const history = await rewound(3);
    expect(found(history)).toEqual(['acknowledged is stored', 'order as acknowledged']);
  });

  test('may not lack what lies before that point', async () => {
    const history = await rewound(3);
    const [run] = history.runs;
    const events = run?.events.map((event) =>
      event.seq === 3 ? { ...event, data: encodeRecord({ n: 0, step: 'other' }) } : event,
    );
    const runs = history.runs.map((one) => ({ ...one, events: events ?? [] }));
    expect(found({ ...history, runs }, { allowRewinds: true })).toContain('acknowledged is stored');
  });

  test('may not lack what was acknowledged under a later fence', async () => {
    const history = await rewound(3);
    const last = history.told.at(-1);
    if (last === undefined) throw new Error('something was told');
    const later = { ...last, seq: last.seq + 1, fence: last.fence + 1, type: 'run.claimed' };
    const told = [...history.told, later];
    expect(found({ ...history, told }, { allowRewinds: true })).toEqual(['acknowledged is stored']);
  });

  test('may not be gone', async () => {
    const history = await rewound(3);
    const gone = { ...history, runs: [] };
    expect(found(gone, { allowRewinds: true })).toContain('acknowledged is stored');
  });
});
