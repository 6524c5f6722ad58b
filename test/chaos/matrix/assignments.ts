/** Runs to start: what goes in, what is done to them on their way, and what must come out. */
import type { RunStatus } from '../../../src/index.ts';
import type { AnyWorkflow } from '../../../src/engine/definition/workflow.ts';
import type { Random } from './random.ts';
import * as w from './workflows.ts';

/** Something a caller does to a run, some time after its start. */
export interface Deed {
  readonly afterMs: number;
  readonly what: 'signal' | 'cancel' | 'pause' | 'resume';
  /** Of a signal: its id, which is also its content. */
  readonly id?: string;
}

export interface Assignment {
  readonly workflow: AnyWorkflow;
  readonly input: unknown;
  readonly deeds: readonly Deed[];
  /** How it may end. */
  readonly ends: readonly RunStatus[];
  readonly output?: unknown;
}

type Draw = (random: Random) => Assignment;

const noDeeds: readonly Deed[] = [];

function count(random: Random, deeds: readonly Deed[]): Assignment {
  const steps = random.whole(10, 40);
  return {
    workflow: w.counting,
    input: { count: steps, paceMs: random.whole(0, 40) },
    deeds,
    ends: ['completed'],
    output: (steps * (steps - 1)) / 2,
  };
}

const draws: readonly Draw[] = [
  (random) => count(random, noDeeds),
  (random) => count(random, noDeeds),
  (random) => {
    const afterMs = random.whole(0, 500);
    const resumeMs = afterMs + random.whole(100, 1500);
    return count(random, [
      { what: 'pause', afterMs },
      { what: 'resume', afterMs: resumeMs },
    ]);
  },
  (random) => {
    const letters = random.whole(1, 5);
    const ids = Array.from({ length: letters }, (_, i) => `letter-${i}`);
    const once: Deed[] = ids.map((id) => ({ what: 'signal', id, afterMs: random.whole(0, 2500) }));
    // Callers that got no answer send again.
    const twice = once.filter(() => random.next() < 0.3);
    const deeds = [...once, ...twice.map((deed) => ({ ...deed, afterMs: deed.afterMs + 200 }))];
    return {
      workflow: w.mailbox,
      input: { letters },
      deeds,
      ends: ['completed'],
      output: ids.join(' '),
    };
  },
  (random) => {
    const napsMs = Array.from({ length: random.whole(1, 4) }, () => random.whole(10, 1600));
    return {
      workflow: w.sleeper,
      input: { napsMs },
      deeds: noDeeds,
      ends: ['completed'],
      output: napsMs.length,
    };
  },
  (random) => {
    const [children, steps] = [random.whole(1, 3), random.whole(3, 10)];
    return {
      workflow: w.family,
      input: { children, count: steps },
      deeds: noDeeds,
      ends: ['completed'],
      output: (children * steps * (steps - 1)) / 2,
    };
  },
  (random) => {
    const items = random.whole(3, 12);
    const output = ((items - 1) * items * (2 * items - 1)) / 6;
    return { workflow: w.mapping, input: { items }, deeds: noDeeds, ends: ['completed'], output };
  },
  () => ({
    workflow: w.flaky,
    input: { word: 'ay' },
    deeds: noDeeds,
    ends: ['completed'],
    output: 'ay ay',
  }),
  (random) => ({
    workflow: w.booking,
    input: undefined,
    ends: ['cancelled'],
    deeds: [{ what: 'cancel', afterMs: random.whole(0, 1200) }],
  }),
  (random) => {
    const rounds = random.whole(2, 6);
    return {
      workflow: w.weaving,
      input: { rounds },
      deeds: noDeeds,
      ends: ['completed'],
      output: { sum: rounds * 101, round: rounds },
    };
  },
];

export function drawAssignment(random: Random): Assignment {
  return random.pick(draws)(random);
}
