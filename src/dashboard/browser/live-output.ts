/** What a run gives out, as it comes: tokens and lines go to the end of their stream. */
import { whileSeen } from './page.ts';

interface Chunk {
  /** Tells the streams of a run apart. */
  readonly stream: string;
  readonly output: string;
  readonly step: string;
  /** The first of an attempt: what the attempt before gave out is dead. */
  readonly begins: boolean;
  readonly text: string;
}

const lengthMax = 200_000;

/** Follows what a run gives out, once it has given out something: a browser has few connections for each server. */
export function liveOutput(): void {
  const place = document.querySelector<HTMLElement>('[data-output]');
  const address = place?.dataset['output'];
  const chunks = document.querySelector<HTMLElement>('[data-chunks]')?.dataset['chunks'] ?? '0';
  if (place === null || address === undefined || chunks === '0') return;
  delete place.dataset['output'];
  place.classList.remove('none');
  for (const text of place.querySelectorAll('pre.alive')) text.scrollTop = text.scrollHeight;
  let last = /after=(\d+)/.exec(address)?.[1] ?? '0';
  let isOver = false;
  whileSeen(() => {
    if (isOver) return () => undefined;
    const source = new EventSource(address.replace(/after=\d+/, `after=${last}`));
    source.addEventListener('chunk', ({ data, lastEventId }: MessageEvent<string>) => {
      last = lastEventId;
      add(place, JSON.parse(data) as Chunk);
    });
    source.addEventListener('end', () => {
      isOver = true;
      source.close();
    });
    return () => source.close();
  });
}

function add(place: HTMLElement, chunk: Chunk): void {
  const known = [...place.querySelectorAll<HTMLElement>('.stream')];
  const stream = known.find((one) => one.dataset['stream'] === chunk.stream) ?? make(place, chunk);
  const text = stream.querySelector('pre.alive');
  if (text === null) return;
  if (chunk.begins) text.textContent = '';
  const isAtEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 8;
  text.textContent = ((text.textContent ?? '') + chunk.text).slice(-lengthMax);
  if (isAtEnd) text.scrollTop = text.scrollHeight;
}

function make(place: HTMLElement, { stream, output, step }: Chunk): HTMLElement {
  const section = document.createElement('section');
  section.className = 'stream';
  section.dataset['stream'] = stream;
  const title = section.appendChild(document.createElement('h3'));
  title.textContent = step === '' ? output : `${output} of step ${step}`;
  const text = section.appendChild(document.createElement('pre'));
  text.className = 'alive';
  text.tabIndex = 0;
  return place.appendChild(section);
}
