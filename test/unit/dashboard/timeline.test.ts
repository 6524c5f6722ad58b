// Goal: the timeline says who held a run and what its steps did when, and is not ruined by waits of days.
// Method: logs written by hand, with times chosen so that each number can be told in advance.
import { describe, expect, test } from 'vitest';
import type { RunEvent } from 'pawl';
import { grouped } from '../../../src/dashboard/timeline/grouping.ts';
import { timelineOf } from '../../../src/dashboard/timeline/model.ts';
import { scaleOf } from '../../../src/dashboard/timeline/scale.ts';
import type { Track } from '../../../src/dashboard/timeline/timeline.ts';

const begin = Date.UTC(2026, 0, 31);

/** Events at milliseconds after the beginning. */
function log(...events: readonly (readonly [number, string, object?])[]): RunEvent[] {
  return events.map(([at, type, data = {}], i) => ({
    seq: i + 1,
    type,
    data,
    at: new Date(begin + at),
    fence: 1,
  }));
}

function drawn(events: readonly RunEvent[], now: number, run: object = {}) {
  const known = {
    status: 'completed',
    seq: events.length,
    atWork: [],
    waits: [],
    worker: undefined,
    ...run,
  } as never;
  const timeline = timelineOf(events, known, begin + now);
  if (timeline === undefined) throw new Error('nothing is drawn');
  const bars = (name: string): string[] => {
    const track = timeline.tracks.find((one) => one.name === name);
    return (track?.bars ?? []).map(({ from, to, tone }) => `${tone} ${from - begin}-${to - begin}`);
  };
  return { timeline, bars };
}

const claimed = (worker: string): object => ({ worker, codeVersion: 1 });

describe('bars', () => {
  test('a step is as long as its worker has measured; attempts and pauses have bars of their own', () => {
    const { bars, timeline } = drawn(
      log(
        [0, 'run.created'],
        [10, 'run.claimed', claimed('a')],
        [200, 'step.completed', { name: 'fetch', attempts: 1, ms: 150 }],
        [300, 'step.retried', { name: 'ocr', attempts: 1, ms: 80, error: {}, dueAt: begin + 500 }],
        [600, 'step.completed', { name: 'ocr', attempts: 2, ms: 90 }],
        [700, 'step.failed', { name: 'pay', attempts: 1, ms: 50, error: {} }],
        [701, 'run.failed', { error: {} }],
      ),
      9_999,
      { status: 'failed' },
    );
    expect(bars('fetch')).toEqual(['done 50-200']);
    expect(bars('ocr')).toEqual(['retried 220-300', 'pause 300-500', 'done 510-600']);
    expect(bars('pay')).toEqual(['failed 650-700']);
    expect(timeline.tracks.find(({ name }) => name === 'ocr')?.attempts).toBe(2);
    expect([timeline.to - begin, timeline.isOpen]).toEqual([701, false]);
  });

  test('a step of an older pawl begins at the event before, and what is at work goes up to now', () => {
    const { bars } = drawn(
      log(
        [0, 'run.created'],
        [10, 'run.claimed', claimed('a')],
        [40, 'step.completed', { name: 'old', attempts: 1 }],
      ),
      900,
      {
        status: 'running',
        worker: 'a',
        atWork: [{ name: 'new', attempt: 3, since: new Date(begin + 100) }],
      },
    );
    expect(bars('old')).toEqual(['done 39-40']);
    expect(bars('new')).toEqual(['running 100-900']);
  });

  test('waits, effects in doubt, nodes and children', () => {
    const { bars, timeline } = drawn(
      log(
        [0, 'run.created'],
        [5, 'node.scheduled', { next: [{ id: 'plan:1', node: 'plan', visit: 1, branch: [] }] }],
        [50, 'node.completed', { node: 'plan', visit: 1, next: [{ node: 'act', visit: 1 }] }],
        [60, 'timer.set', { name: 'wait:go', dueAt: begin + 5_000 }],
        [90, 'step.completed', { name: 'wait:go', attempts: 1, took: [] }],
        [100, 'effect.begun', { name: 'charge' }],
        [120, 'effect.doubted', { name: 'charge' }],
        [130, 'child.starting', { name: 'kid', run: 'r2', birth: 'x', attached: true }],
        [180, 'child.ended', { run: 'r2', birth: 'x', fence: 1, status: 'failed', error: {} }],
        [181, 'step.failed', { name: 'child:kid', attempts: 1, error: {} }],
        // The child's message, after the parent has looked by itself.
        [190, 'child.ended', { run: 'r2', birth: 'x', fence: 1, status: 'failed', error: {} }],
      ),
      300,
      {
        status: 'waiting',
        waits: [
          {
            kind: 'decision',
            name: 'charge › doubt:1',
            on: ['charge'],
            since: new Date(begin + 120),
          },
        ],
      },
    );
    expect(bars('node:plan:1')).toEqual(['done 5-50']);
    expect(bars('node:act:1')).toEqual(['running 50-300']);
    expect(bars('wait:go')).toEqual(['done 60-90']);
    expect(bars('charge')).toEqual(['running 100-120', 'waiting 120-300']);
    expect(bars('kid')).toEqual(['failed 130-180']);
    // The child is not shown twice, nor is the wait for a decision.
    expect(timeline.tracks).toHaveLength(5);
    expect(timeline.tracks.find(({ name }) => name === 'kid')?.run).toBe('r2');
  });
});

describe('owners', () => {
  const killed = log(
    [0, 'run.created'],
    [10, 'run.claimed', claimed('a')],
    [100, 'step.completed', { name: 's', attempts: 1, ms: 20 }],
    [250, 'run.interrupted', { worker: 'a', reason: 'presence-lost', detectMs: 100 }],
    [300, 'run.claimed', { ...claimed('b'), takeover: { from: 'a', detectMs: 100, claimMs: 50 } }],
    [400, 'run.completed'],
  );

  test('a worker that was lost leaves a gap from its last sign of life to the next claim', () => {
    const { timeline } = drawn(killed, 999);
    const shown = timeline.holdings.map((one) => [one.worker, one.from - begin, one.to - begin]);
    expect(shown).toEqual([
      ['a', 10, 150],
      ['b', 300, 400],
    ]);
    expect(timeline.holdings.map(({ colour }) => colour)).toEqual([0, 1]);
    expect(timeline.gaps).toMatchObject([{ from: begin + 150, to: begin + 300, lost: 'a' }]);
  });

  test('the gap is open while nobody has the run, and the last owner while somebody has', () => {
    const lost = drawn(killed.slice(0, 4), 700, { status: 'interrupted', seq: 4 }).timeline;
    expect(lost.gaps).toMatchObject([{ to: begin + 700, isOpen: true }]);
    const held = drawn(killed.slice(0, 5), 700, {
      status: 'running',
      seq: 5,
      worker: 'b',
    }).timeline;
    expect(held.holdings.at(-1)).toMatchObject({ worker: 'b', to: begin + 700, isOpen: true });
  });
});

describe('the scale', () => {
  test('days of waiting are collapsed, and everything else keeps its proportions', () => {
    const day = 86_400_000;
    const { timeline } = drawn(
      log(
        [0, 'run.created'],
        [0, 'run.claimed', claimed('a')],
        [1_000, 'step.completed', { name: 'one', attempts: 1, ms: 1_000 }],
        [1_000, 'timer.set', { name: 'sleep:1d', dueAt: begin + day }],
        [day, 'run.claimed', claimed('b')],
        [day + 1_000, 'step.completed', { name: 'two', attempts: 1, ms: 1_000 }],
        [day + 1_000, 'run.completed'],
      ),
      0,
    );
    const { x, idle, ticks } = scaleOf(timeline);
    expect(idle).toHaveLength(1);
    expect(x(begin)).toBe(0);
    expect(x(begin + 1_000)).toBeCloseTo(48, 1);
    expect(x(begin + day)).toBeCloseTo(52, 1);
    expect(x(begin + day + 1_000)).toBeCloseTo(100, 5);
    expect(ticks.map((tick) => Math.round(tick.x))).toEqual([0, 25, 50, 75, 100]);
    expect(x(ticks[1]?.at ?? 0)).toBeCloseTo(25, 1);
  });

  test('a run of one moment is drawn', () => {
    const { timeline } = drawn(log([0, 'run.created']), 0, { status: 'queued' });
    expect(scaleOf(timeline).x(begin)).toBe(0);
  });
});

test('more than forty tracks are put together by their names', () => {
  const tracks = Array.from({ length: 100 }, (_, i): Track => {
    const name = i === 0 ? 'first' : `ocr:${i}`;
    return {
      name,
      kind: 'step',
      bars: [{ from: i, to: i, tone: 'done', seq: i }],
      attempts: 1,
      members: 1,
    };
  });
  const { tracks: shown, left } = grouped(tracks);
  expect(shown.map(({ name, members, bars }) => [name, members, bars.length])).toEqual([
    ['first', 1, 1],
    ['ocr:*', 99, 99],
  ]);
  expect(left).toBe(0);
  expect(grouped(tracks.slice(0, 40)).tracks).toHaveLength(40);
});
