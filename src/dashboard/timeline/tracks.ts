/** One track for each step, node, wait and child of a run, in the order in which they are first seen. */
import type { RunEvent } from '../../core/event.ts';
import type { WaitInfo } from '../../engine/runs/run-info.ts';
import type { Bar, BarTone, Track } from './timeline.ts';

type Data = Readonly<Record<string, unknown>>;

interface TrackDraft {
  readonly name: string;
  kind: Track['kind'];
  readonly bars: Bar[];
  attempts: number;
  run: string | undefined;
  /** What has begun and has not ended, by what it will be. */
  open: { readonly from: number; readonly tone: BarTone } | undefined;
}

const waitName = /(^|› )(wait|sleep|timer):/;
/** What a handler gets of a child: the child has a track of its own. */
const childName = /(^|› )child:/;

export class Tracks {
  readonly #tracks = new Map<string, TrackDraft>();
  /** The names of children, by their runs: the end of a child says the run alone. */
  readonly #children = new Map<string, string>();

  take({ type, data, at, seq }: RunEvent, before: number): void {
    const time = at.getTime();
    const said = (data ?? {}) as Data;
    const name = typeof said['name'] === 'string' ? said['name'] : '';
    switch (type) {
      case 'step.completed':
        return this.#ended(name, said, { time, seq, tone: 'done', before });
      case 'step.failed':
        return this.#ended(name, said, { time, seq, tone: 'failed', before });
      case 'step.retried': {
        this.#ended(name, said, { time, seq, tone: 'retried', before });
        const dueAt = Number(said['dueAt']);
        const track = this.#track(name, 'step');
        if (dueAt > time) track.bars.push({ from: time, to: dueAt, tone: 'pause', seq });
        return undefined;
      }
      case 'timer.set':
        return this.#begin(name, 'wait', time, 'waiting');
      case 'wait.withdrawn':
        return this.#close(this.#track(name, 'wait'), { time, seq, tone: 'withdrawn' });
      case 'effect.begun':
        return this.#begin(name, 'effect', time, 'running');
      case 'effect.doubted':
        return this.#begin(name, 'effect', time, 'waiting');
      case 'child.starting':
        if (typeof said['run'] === 'string') {
          this.#children.set(said['run'], name);
          this.#track(name, 'child').run = said['run'];
        }
        return this.#begin(name, 'child', time, 'running');
      case 'child.refused':
        return this.#close(this.#track(name, 'child'), { time, seq, tone: 'failed' });
      case 'child.ended':
        return this.#childEnded(said, time, seq);
      case 'node.scheduled':
        return this.#nodes(said['next'], time);
      case 'node.completed': {
        const node = `node:${String(said['node'])}:${String(said['visit'])}`;
        const track = this.#track(node, 'node');
        track.open ??= { from: before, tone: 'running' };
        this.#close(track, { time, seq, tone: 'done' });
        return this.#nodes(said['next'], time);
      }
      default:
        return undefined;
    }
  }

  /** A step that is at work now, as its worker tells it. */
  atWork(name: string, attempt: number, since: number): void {
    const kind = /^node:[^›]*$/.test(name) ? 'node' : 'step';
    const track = this.#track(name, kind);
    track.attempts = Math.max(track.attempts, attempt);
    if (track.open === undefined || kind === 'step') track.open = { from: since, tone: 'running' };
  }

  /** What the run waits for now. */
  waits({ name, kind, on = [] }: WaitInfo, since: number): void {
    if (name === '' || kind === 'retry' || kind === 'child') return;
    const [effect] = kind === 'decision' ? on : [];
    const track = this.#track(effect ?? name, effect === undefined ? 'wait' : 'effect');
    track.open ??= { from: since, tone: 'waiting' };
  }

  /** What is open ends at `end`; without a run that goes on it is drawn as what was given up. */
  drawn(end: number, isOpen: boolean): readonly Track[] {
    return [...this.#tracks.values()].map(({ open, run, bars, ...track }) => {
      const rest = open === undefined ? [] : [{ ...open, to: Math.max(end, open.from), seq: 0 }];
      const tail = rest.map((bar) => (isOpen ? bar : { ...bar, tone: 'withdrawn' as const }));
      return {
        ...track,
        bars: [...bars, ...tail],
        members: 1,
        ...(run === undefined ? {} : { run }),
      };
    });
  }

  #track(name: string, kind: Track['kind']): TrackDraft {
    const known = this.#tracks.get(name);
    if (known !== undefined) return known;
    const made: TrackDraft = { name, kind, bars: [], attempts: 0, run: undefined, open: undefined };
    this.#tracks.set(name, made);
    return made;
  }

  #begin(name: string, kind: Track['kind'], from: number, tone: BarTone): void {
    const track = this.#track(name, kind);
    if (track.open !== undefined && track.open.from < from) {
      track.bars.push({ from: track.open.from, to: from, tone: track.open.tone, seq: 0 });
    }
    track.open = { from, tone };
  }

  #close(
    track: TrackDraft,
    { time, seq, tone }: { readonly time: number; readonly seq: number; readonly tone: BarTone },
  ): void {
    const from = track.open?.from ?? time;
    track.bars.push({ from, to: time, tone, seq });
    track.open = undefined;
  }

  #ended(
    name: string,
    { ms, attempts }: Data,
    end: {
      readonly time: number;
      readonly seq: number;
      readonly tone: BarTone;
      readonly before: number;
    },
  ): void {
    if (childName.test(name)) return;
    const isWait = waitName.test(name);
    const track = this.#track(name, isWait ? 'wait' : 'step');
    if (typeof attempts === 'number' && !isWait)
      track.attempts = Math.max(track.attempts, attempts);
    const { time, before } = end;
    if (typeof ms === 'number') track.open = { from: time - ms, tone: 'running' };
    // A body of less than a millisecond, and all that an older pawl wrote: no more is known than what stands before it.
    else track.open ??= { from: isWait ? before : Math.max(before, time - 1), tone: 'running' };
    this.#close(track, end);
  }

  #childEnded({ run, status }: Data, time: number, seq: number): void {
    const name = this.#children.get(String(run)) ?? String(run);
    const track = this.#track(name, 'child');
    if (typeof run === 'string') track.run = run;
    // A parent may be told twice, by the child and by its own look.
    if (track.open === undefined && track.bars.length > 0) return;
    const tone = status === 'completed' ? 'done' : status === 'failed' ? 'failed' : 'withdrawn';
    this.#close(track, { time, seq, tone });
  }

  #nodes(next: unknown, time: number): void {
    if (!Array.isArray(next)) return;
    for (const task of next as readonly Data[]) {
      const visit = Number(task['visit']);
      if (visit > 0) this.#begin(`node:${String(task['node'])}:${visit}`, 'node', time, 'running');
    }
  }
}
