/**
 * A run's page stays true while events come. A row is added for each, and what else the page says is asked for again from
 * the server, at most once in a while. A browser whose connection was lost says which event it has seen last, so no row
 * is missing and none is there twice.
 */
import { liveOutput } from './live-output.ts';
import { byId, parsed, say, whileSeen } from './page.ts';
import { replaceParts } from './parts.ts';
import { applyFilter } from './rows.ts';
import { showTimes } from './times.ts';

interface Entry {
  readonly seq: number;
  readonly html: string;
  readonly type: string;
  readonly by?: string;
  readonly isTakeover?: boolean;
  readonly isLost?: boolean;
}

const colourCount = 4;
const rowsMax = 2_000;
const refreshMs = 400;
const retryMs = 2_000;

export function liveRun(run: HTMLElement): void {
  const { live, page } = run.dataset;
  if (live === undefined || page === undefined) return;
  const rows = new Rows(run.dataset['owner'] ?? '');
  const refresh = refresher(page);
  let last = Number(/after=(\d+)/.exec(live)?.[1] ?? 0);
  let changes = 0;
  let isOver = false;
  const connect = (): (() => void) => {
    if (isOver) return () => undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let closeNext = (): void => undefined;
    const source = new EventSource(live.replace(/after=\d+/, `after=${last}`));
    source.addEventListener('open', () => {
      say('live', 'Live: new events are added as they come.');
      run.classList.add('is-live');
      // What changed while nobody listened may be no event.
      refresh(`${last}.${changes}`);
    });
    source.addEventListener('error', () => {
      run.classList.remove('is-live');
      say('live', 'The connection was lost; trying again.');
      if (source.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(() => {
        closeNext = connect();
      }, retryMs);
    });
    source.addEventListener('entry', ({ data }: MessageEvent<string>) => {
      const entry = JSON.parse(data) as Entry;
      last = entry.seq;
      rows.add(entry);
      refresh(`${last}.${changes}`);
    });
    source.addEventListener('changed', () => {
      changes += 1;
      refresh(`${last}.${changes}`);
    });
    source.addEventListener('end', ({ data }: MessageEvent<string>) => {
      isOver = true;
      source.close();
      run.classList.remove('is-live');
      say('live', `The run has ended: ${data}.`);
      refresh(`${last}.end`);
    });
    return () => {
      clearTimeout(retry);
      closeNext();
      source.close();
      run.classList.remove('is-live');
    };
  };
  whileSeen(connect);
}

/** Rows of the log, with the colour of who held the run. */
class Rows {
  readonly #list = byId('events');
  #owner: string;
  #colour: number;
  #isHeld: boolean;

  constructor(owner: string) {
    const colours = this.#list?.querySelectorAll('[class*=colour-]') ?? [];
    const last = colours[colours.length - 1]?.className ?? '';
    this.#owner = owner;
    this.#colour = Number(/colour-(\d)/.exec(last)?.[1] ?? 0);
    this.#isHeld = this.#list?.lastElementChild?.classList.contains('nobody') === false;
  }

  add({ seq, html, by, isTakeover, isLost, type }: Entry): void {
    const list = this.#list;
    if (list === null) return;
    // Redis has come back with less: what it has lost is not in the log any more.
    while (Number(list.lastElementChild?.id.slice(1) ?? 0) >= seq) list.lastElementChild?.remove();
    if (by !== undefined) {
      const isOther = this.#owner !== '' && this.#owner !== by;
      if (isTakeover === true || isOther) this.#colour = (this.#colour + 1) % colourCount;
      this.#owner = by;
      this.#isHeld = true;
    } else if (isLost === true) this.#isHeld = false;
    const item = document.createElement('li');
    item.id = `e${seq}`;
    item.className = this.#isHeld ? `colour-${this.#colour}` : 'nobody';
    if (by !== undefined || isLost === true) item.classList.add('turn');
    if (isLost === true || /failed|retried|refused|quarantined/.test(type))
      item.classList.add('bad');
    item.title = this.#isHeld ? `held by ${this.#owner}` : 'no worker holds it';
    item.append(...parsed(html).body.childNodes);
    showTimes(item);
    list.append(item);
    while (list.children.length > rowsMax) list.firstElementChild?.remove();
    const first = list.firstElementChild?.id.slice(1) ?? '1';
    say('range', `${first} to ${seq} of ${seq}`);
    applyFilter();
  }
}

/** Asks for the parts of the page again: one request at a time, and one more after it when something came meanwhile. */
function refresher(page: string): (version: string) => void {
  let wanted = '';
  let isBusy = false;
  const work = async (): Promise<void> => {
    isBusy = true;
    for (let shown = ''; shown !== wanted;) {
      shown = wanted;
      await new Promise((resolve) => setTimeout(resolve, refreshMs));
      try {
        const { search } = location;
        const query = search === '' ? '?' : `${search}&`;
        const answer = await fetch(`${page}/now${query}v=${shown}`);
        if (!answer.ok) continue;
        replaceParts(parsed(await answer.text()));
        liveOutput();
      } catch {
        // The stream says that the connection was lost, and asks again when it is back.
      }
    }
    isBusy = false;
  };
  return (version) => {
    wanted = version;
    if (!isBusy) work().catch(() => undefined);
  };
}
