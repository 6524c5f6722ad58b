/**
 * Where a time stands on the timeline, in percent of its width. Stretches in which nothing is at work are collapsed to a
 * narrow band: an approval of three days must not make slivers of the steps around it.
 */
import type { Timeline } from './timeline.ts';

export interface Idle {
  readonly from: number;
  readonly to: number;
  /** In percent. */
  readonly x: number;
  readonly width: number;
}

export interface Scale {
  /** Percent from the left, from 0 to 100. */
  readonly x: (time: number) => number;
  readonly idle: readonly Idle[];
  /** Times for the axis, each with its percent. */
  readonly ticks: readonly { readonly at: number; readonly x: number }[];
}

/** Of the width, for one stretch that is collapsed. */
const idlePercent = 4;
const idleShare = 0.6;
/** Shorter stretches are never collapsed, and neither are those that are a small part of the whole. */
const idleMsMin = 500;
const idlePartMin = 0.12;
const tickCount = 5;

interface Stretch {
  readonly from: number;
  readonly to: number;
}

export function scaleOf(timeline: Timeline): Scale {
  const { from, to } = timeline;
  const all = Math.max(1, to - from);
  const found = collapsible(idleStretches(timeline), all);
  const each = Math.min(idlePercent, (100 * idleShare) / Math.max(1, found.length));
  const collapsed = found.reduce((sum, one) => sum + one.to - one.from, 0);
  const worked = all - collapsed;
  // Where all of it is idle, there is nothing to make room for.
  if (worked < 1 || found.length === 0) return linear(timeline);
  const perMs = (100 - each * found.length) / worked;
  const x = (time: number): number => {
    const at = Math.min(to, Math.max(from, time));
    let percent = 0;
    let reached = from;
    for (const one of found) {
      if (at <= one.from) break;
      percent += (one.from - reached) * perMs;
      const part = Math.min(1, (at - one.from) / (one.to - one.from));
      percent += part * each;
      reached = one.to;
      if (at < one.to) return percent;
    }
    return percent + Math.max(0, at - reached) * perMs;
  };
  const idle = found.map((one) => ({ ...one, x: x(one.from), width: each }));
  return { x, idle, ticks: ticksOf(timeline, x) };
}

/** The longest first, as long as they are a large part of what is left. */
function collapsible(stretches: readonly Stretch[], all: number): readonly Stretch[] {
  const found: Stretch[] = [];
  let left = all;
  for (const one of stretches.toSorted((a, b) => b.to - b.from - (a.to - a.from))) {
    const length = one.to - one.from;
    if (length < idleMsMin || length < left * idlePartMin) break;
    found.push(one);
    left -= length;
  }
  return found.toSorted((a, b) => a.from - b.from);
}

function linear(timeline: Timeline): Scale {
  const { from, to } = timeline;
  const x = (time: number): number =>
    (100 * (Math.min(to, Math.max(from, time)) - from)) / Math.max(1, to - from);
  return { x, idle: [], ticks: ticksOf(timeline, x) };
}

/** The stretches in which no step and no node is at work, and nobody is being waited for to take the run over. */
function idleStretches({ from, to, tracks, holdings, gaps }: Timeline): readonly Stretch[] {
  const busy: Stretch[] = tracks
    .filter(({ kind }) => kind === 'step' || kind === 'node')
    .flatMap(({ bars }) => bars.filter(({ tone }) => tone !== 'pause'));
  const claims = holdings.map((one) => ({ from: one.from, to: one.from + 1 }));
  const moments = tracks.flatMap(({ bars }) => bars.map((bar) => ({ from: bar.to, to: bar.to })));
  const sorted = [...busy, ...gaps, ...claims, ...moments].toSorted((a, b) => a.from - b.from);
  const idle: Stretch[] = [];
  let reached = from;
  for (const one of [...sorted, { from: to, to }]) {
    if (one.from > reached) idle.push({ from: reached, to: Math.min(one.from, to) });
    reached = Math.max(reached, one.to);
  }
  return idle;
}

/** Evenly over the width, so that they never stand on each other. */
function ticksOf(
  { from, to }: Timeline,
  x: (time: number) => number,
): readonly { readonly at: number; readonly x: number }[] {
  return Array.from({ length: tickCount }, (_, i) => {
    const percent = (100 * i) / (tickCount - 1);
    let [low, high] = [from, to];
    // What stands at this percent: the scale only grows.
    for (let step = 0; step < 50 && high - low > 0.5; step++) {
      const middle = (low + high) / 2;
      if (x(middle) < percent) low = middle;
      else high = middle;
    }
    return { at: high, x: percent };
  });
}
