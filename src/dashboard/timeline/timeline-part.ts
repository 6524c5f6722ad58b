/** The timeline as HTML: a row for each track, its bars as a small SVG. Widths are percents, so it fits any screen. */
import { html } from 'hono/html';
import type { Html } from '../html.ts';
import { lossWords } from '../loss-words.ts';
import { count, shortWorker } from '../parts.ts';
import { spanText } from '../times.ts';
import { visible } from '../words.ts';
import { grouped } from './grouping.ts';
import type { Bar, Track, Timeline } from './timeline.ts';
import { type Scale, scaleOf } from './scale.ts';

/** So narrow a bar would not be seen. */
const barPercentMin = 0.4;

export function timelinePart(at: string, timeline: Timeline): Html {
  const scale = scaleOf(timeline);
  const { tracks, left } = grouped(timeline.tracks);
  return html`<div class="timeline">
    <div class="track axis">
      <span class="name dim">${spanText(timeline.to - timeline.from)} in all</span>
      <span class="ticks">${scale.ticks.map((tick) => tickPart(timeline, tick))}</span>
      <span class="took"></span>
    </div>
    ${ownerTrack(at, timeline, scale)}
    <ol class="tracks">
      ${tracks.map((track) => trackPart(at, track, { timeline, scale }))}
    </ol>
    ${left === 0 ? '' : html`<p class="dim">${count(left, 'more track')} before these.</p>`}
    ${idleNote(scale)}
  </div>`;
}

function tickPart({ from }: Timeline, { at, x }: { at: number; x: number }): Html {
  return html`<span class="tick at-${Math.round(x / 25)}">+${spanText(at - from)}</span>`;
}

function idleNote({ idle }: Scale): Html {
  if (idle.length === 0) return html``;
  const lengths = idle.map(({ from, to }) => spanText(to - from)).join(', ');
  return html`<p class="dim">
    <span class="key idle-key" aria-hidden="true"></span> idle time is collapsed: ${lengths}
  </p>`;
}

function bands({ gaps }: Timeline, { x, idle }: Scale): Html {
  const idles = idle.map(
    (one) => html`<rect class="idle" x="${pc(one.x)}" width="${pc(one.width)}" height="100%" />`,
  );
  const lost = gaps.map((gap) => {
    const from = x(gap.from);
    const width = Math.max(barPercentMin, x(gap.to) - from);
    return html`<rect class="gap" x="${pc(from)}" width="${pc(width)}" height="100%" />`;
  });
  return html`${idles}${lost}`;
}

function pc(percent: number): string {
  return `${Number(percent.toFixed(3))}%`;
}

function ownerTrack(at: string, timeline: Timeline, scale: Scale): Html {
  const { holdings, gaps, marks } = timeline;
  const bars = holdings.map((one) => {
    const from = scale.x(one.from);
    const width = Math.max(barPercentMin, scale.x(one.to) - from);
    const who = one.worker === '' ? 'held since before' : visible(shortWorker(one.worker));
    return html`<a href="${at}?after=${Math.max(0, one.seq - 1)}#e${one.seq}" tabindex="-1">
      <title>${who}, ${spanText(one.to - one.from)}</title>
      <rect
        class="owner colour-${one.colour}"
        x="${pc(from)}"
        width="${pc(width)}"
        y="4"
        height="16"
      />
    </a>`;
  });
  const diamonds = marks.map(
    ({ at: moment, what }) =>
      html`<svg x="${pc(scale.x(moment))}" y="12" class="mark">
        <path class="${what}" d="M0 -5 L5 0 L0 5 L-5 0 Z" />
      </svg>`,
  );
  return html`<div class="track owners">
      <span class="name">held by</span>
      <svg class="bars" height="24" aria-hidden="true">
        ${bands(timeline, scale)}${bars}${diamonds}
      </svg>
      <span class="took dim">${takeOvers(gaps.length)}</span>
    </div>
    <ol class="holders">
      ${holdingList(timeline)}
    </ol>`;
}

function takeOvers(gaps: number): string {
  return gaps === 0 ? '' : count(gaps, 'gap');
}

const holdersShown = 12;

/** Who held the run when, in words. */
function holdingList({ holdings, gaps, from }: Timeline): Html {
  const all = [
    ...mergedHoldings(holdings).map((one) => ({ at: one.from, text: holdingText(one, from) })),
    ...gaps.map((gap) => ({
      at: gap.from,
      text: html`<li class="lost">
        <b>nobody</b> for ${spanText(gap.to - gap.from)}${gap.isOpen ? ' until now' : ''}:
        <bdi>${visible(shortWorker(gap.lost))}</bdi> was lost: ${lossWords(gap.reason)}
      </li>`,
    })),
  ].toSorted((a, b) => a.at - b.at);
  const shown = all.slice(-holdersShown);
  const left = all.length - shown.length;
  return html`${left === 0 ? '' : html`<li class="dim">${count(left, 'owner')} before</li>`}
  ${shown.map(({ text }) => text)}`;
}

type Held = Timeline['holdings'][number];

/** A worker that took the run again and again, after each wait, is named once. */
function mergedHoldings(holdings: readonly Held[]): readonly (Held & { readonly times: number })[] {
  const merged: (Held & { times: number })[] = [];
  for (const one of holdings) {
    const last = merged.at(-1);
    if (last !== undefined && last.worker === one.worker && last.colour === one.colour) {
      merged[merged.length - 1] = {
        ...last,
        to: one.to,
        isOpen: one.isOpen,
        times: last.times + 1,
      };
    } else merged.push({ ...one, times: 1 });
  }
  return merged;
}

function holdingText(one: Held & { readonly times: number }, from: number): Html {
  const who = one.worker === '' ? 'a worker' : visible(shortWorker(one.worker));
  const times = one.times === 1 ? '' : `, ${one.times} claims`;
  return html`<li class="colour-${one.colour}">
    <bdi title="${visible(one.worker)}">${who}</bdi> from
    +${spanText(one.from - from)}${one.isOpen ? ', until now' : ` to +${spanText(one.to - from)}`}${times}
  </li>`;
}

const signs: Readonly<Record<Bar['tone'], string>> = {
  done: '',
  failed: '✕',
  retried: '↻',
  running: '●',
  waiting: '◆',
  pause: '',
  withdrawn: '–',
};

function trackPart(
  at: string,
  track: Track,
  { timeline, scale }: { readonly timeline: Timeline; readonly scale: Scale },
): Html {
  const last = track.bars.at(-1);
  const { text, sign } = outcome(track, last);
  const name = visible(shownName(track));
  const linked =
    track.run === undefined
      ? html`<bdi>${name}</bdi>`
      : html`<a href="${at.replace(/\/[^/]*$/, '')}/${track.run}"><bdi>${name}</bdi></a>`;
  return html`<li class="track ${track.kind} is-${last?.tone ?? 'done'}">
    <span class="name"><span class="kind">${track.kind}</span> ${linked}</span>
    <svg class="bars" height="18" aria-hidden="true">
      ${bands(timeline, scale)}${barParts(at, track.bars, scale)}
    </svg>
    <span class="took"
      >${sign === '' ? '' : html`<span aria-hidden="true">${sign}</span> `}${text}</span
    >
  </li>`;
}

/** Bars of one track that the log can link to; of more, links would be most of the page. */
const linksMax = 30;

function barParts(at: string, bars: readonly Bar[], { x }: Scale): readonly Html[] {
  return withoutCopies(bars, x).map(({ from, width, tone, seq }) => {
    const rect = html`<rect
      class="bar ${tone}"
      x="${pc(from)}"
      width="${pc(width)}"
      y="3"
      height="12"
      rx="2"
    />`;
    if (seq === 0 || bars.length > linksMax) return rect;
    return html`<a href="${at}?after=${Math.max(0, seq - 1)}#e${seq}" tabindex="-1">${rect}</a>`;
  });
}

interface Drawn {
  readonly from: number;
  readonly width: number;
  readonly tone: Bar['tone'];
  readonly seq: number;
}

/** Of hundreds of bars on one track, those that fall on the same place are one. */
function withoutCopies(bars: readonly Bar[], x: Scale['x']): readonly Drawn[] {
  const drawn: Drawn[] = [];
  const taken = new Set<string>();
  for (const { from, to, tone, seq } of bars) {
    const begin = x(from);
    const width = Math.max(barPercentMin, x(to) - begin);
    const place = `${tone} ${begin.toFixed(1)} ${width.toFixed(1)}`;
    if (taken.has(place)) continue;
    taken.add(place);
    drawn.push({ from: Math.min(begin, 100 - barPercentMin), width, tone, seq });
  }
  return drawn;
}

/** `node:plan:2` is the second visit of plan; what a name begins with is its kind, and is said beside it. */
function shownName({ name, kind, members }: Track): string {
  const node = kind === 'node' ? /^node:(.*):([\d*]+)$/s.exec(name) : null;
  const said =
    node === null
      ? name.replace(/^(wait|sleep|child):/, '')
      : `${node[1]}${node[2] === '1' ? '' : ` #${node[2]}`}`;
  return members === 1 ? said : `${said} (${members})`;
}

function outcome(
  { bars, attempts, kind }: Track,
  last: Bar | undefined,
): { readonly text: string; readonly sign: string } {
  if (last === undefined) return { text: '', sign: '' };
  const work = bars.filter(({ tone }) => tone !== 'pause').at(-1) ?? last;
  const took = spanText(work.to - work.from);
  const tries = attempts > 1 ? `attempt ${attempts}` : '';
  const said: Readonly<Record<Bar['tone'], string>> = {
    done: kind === 'wait' ? `waited ${took}` : took,
    failed: `failed after ${took}`,
    retried: 'will be tried again',
    pause: 'will be tried again',
    running: `at work for ${took}`,
    waiting: `waits for ${took}`,
    withdrawn: 'given up',
  };
  const text = [said[last.tone], tries].filter((one) => one !== '').join(' · ');
  return { text, sign: signs[last.tone] };
}
