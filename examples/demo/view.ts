/**
 * What the demo shows while it is at work: a small live screen in a terminal, plain lines
 * elsewhere.
 */
import type { Fleet, Kill } from './fleet.ts';
import { type Paint, paintFor } from './paint.ts';
import type { Runs } from './runs.ts';
import type { Takeover } from './worker-work.ts';

export interface View {
  killed(kill: Kill): void;
  takenOver(takeover: Takeover): void;
  end(): void;
}

export interface Shown {
  readonly fleet: Fleet;
  readonly runs: Runs;
  readonly kills: number;
}

/** Room for the longest line: a frame whose lines are wrapped cannot be drawn over. */
const columnsMin = 80;

export function openView(stream: NodeJS.WriteStream, shown: Shown): View {
  const isLive = stream.isTTY && stream.columns >= columnsMin && process.env['TERM'] !== 'dumb';
  return isLive ? new LiveView(stream, shown) : new PlainView(stream, shown);
}

function totals(
  { runs, fleet, kills }: Shown,
  counts: { kills: number; takeovers: number },
): string {
  return (
    `runs ${runs.completed}/${runs.total} completed · messages ${fleet.messages} · ` +
    `kills ${counts.kills}/${kills} · take-overs ${counts.takeovers}`
  );
}

class LiveView implements View {
  static readonly #frameMs = 100;
  static readonly #feedLines = 8;
  static readonly #barMax = 30;
  readonly #stream: NodeJS.WriteStream;
  readonly #shown: Shown;
  readonly #paint: Paint;
  readonly #feed: string[] = [];
  readonly #counts = { kills: 0, takeovers: 0 };
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream, shown: Shown) {
    this.#stream = stream;
    this.#shown = shown;
    this.#paint = paintFor(stream);
    this.#timer = setInterval(() => this.#draw(), LiveView.#frameMs);
  }

  killed({ label, pid, held }: Kill): void {
    this.#counts.kills += 1;
    this.#tell(this.#paint('red', `✕ ${label} (pid ${pid}) killed, it held ${held} runs`));
  }

  takenOver({ run, from, detectMs, claimMs, replayMs }: Takeover): void {
    this.#counts.takeovers += 1;
    const name = `run ${run}`.padEnd(20);
    const times = `detect ${detectMs}  claim ${claimMs}  replay ${replayMs} ms`;
    this.#tell(`  ${name} ← from ${this.#shown.fleet.labelOf(from)}  ${this.#paint('dim', times)}`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#draw();
  }

  #tell(line: string): void {
    this.#feed.push(line);
    if (this.#feed.length > LiveView.#feedLines) this.#feed.shift();
  }

  #draw(): void {
    const workers = this.#shown.fleet.members.map(({ label, pid, worker, active, messages }) => {
      const bar = '█'.repeat(Math.min(active, LiveView.#barMax)).padEnd(LiveView.#barMax);
      const shownBar =
        worker === undefined ? this.#paint('dim', 'starting'.padEnd(bar.length)) : bar;
      const count = `${String(active).padStart(3)} runs ${String(messages).padStart(5)} messages`;
      const name = `${label.padEnd(4)} ${String(pid).padStart(8)}`;
      return `${name} ${this.#paint('green', shownBar)} ${count}`;
    });
    const feed = Array.from({ length: LiveView.#feedLines }, (_, i) => this.#feed[i] ?? '');
    const lines = [...workers, '', ...feed, '', totals(this.#shown, this.#counts)];
    // Back to the first line of the frame before, then over it; the rest of each line is cleared.
    const back = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`;
    this.#stream.write(`${back}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.#drawn = lines.length;
  }
}

class PlainView implements View {
  static readonly #totalsMs = 1000;
  /** Take-overs of one kill come within this time, as a rule. */
  static readonly #gatherMs = 400;
  readonly #stream: NodeJS.WriteStream;
  readonly #shown: Shown;
  readonly #gathered = new Map<string, Takeover[]>();
  readonly #counts = { kills: 0, takeovers: 0 };
  readonly #timer: NodeJS.Timeout;

  constructor(stream: NodeJS.WriteStream, shown: Shown) {
    this.#stream = stream;
    this.#shown = shown;
    this.#timer = setInterval(() => this.#tell(this.#totals()), PlainView.#totalsMs);
  }

  killed({ label, pid, held }: Kill): void {
    this.#counts.kills += 1;
    this.#tell(`✕ ${label} (pid ${pid}) killed, it held ${held} runs`);
  }

  takenOver(takeover: Takeover): void {
    this.#counts.takeovers += 1;
    const { from } = takeover;
    const gathered = this.#gathered.get(from);
    if (gathered !== undefined) {
      gathered.push(takeover);
      return;
    }
    this.#gathered.set(from, [takeover]);
    setTimeout(() => this.#tellTakeovers(from), PlainView.#gatherMs).unref();
  }

  end(): void {
    clearInterval(this.#timer);
    for (const from of this.#gathered.keys()) this.#tellTakeovers(from);
    this.#tell(this.#totals());
  }

  #tellTakeovers(from: string): void {
    const takeovers = this.#gathered.get(from) ?? [];
    this.#gathered.delete(from);
    if (takeovers.length === 0) return;
    const median = (value: (takeover: Takeover) => number): number =>
      takeovers.map(value).toSorted((a, b) => a - b)[Math.floor(takeovers.length / 2)] ?? 0;
    const detect = median(({ detectMs }) => detectMs);
    const claim = median(({ claimMs }) => claimMs);
    const replay = median(({ replayMs }) => replayMs);
    this.#tell(
      `  ${takeovers.length} runs taken over from ${this.#shown.fleet.labelOf(from)}, ` +
        `medians: detect ${detect}, claim ${claim}, replay ${replay} ms`,
    );
  }

  #totals(): string {
    return totals(this.#shown, this.#counts);
  }

  #tell(line: string): void {
    this.#stream.write(`${line}\n`);
  }
}
