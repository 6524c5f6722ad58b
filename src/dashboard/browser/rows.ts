/** The rows of the log: those that hold a text, or problems only; and which of them is selected. */
import { byId, say } from './page.ts';

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('#events > li')];
}

/** What the keys go through: the log of a run, or the rows of a list. */
function stops(): HTMLElement[] {
  const log = rows();
  return log.length > 0 ? log : [...document.querySelectorAll<HTMLElement>('[data-rows] > *')];
}

function isShown(row: HTMLElement): boolean {
  return !row.hidden;
}

/** Hides what does not fit; new rows are looked at as they come. */
export function applyFilter(): void {
  const text =
    byId('filter') instanceof HTMLInputElement ? (byId('filter') as HTMLInputElement).value : '';
  const only =
    byId('problems') instanceof HTMLInputElement && (byId('problems') as HTMLInputElement).checked;
  const wanted = text.trim().toLowerCase();
  let found = 0;
  const all = rows();
  for (const row of all) {
    const head = row.querySelector('summary')?.textContent ?? '';
    const fits =
      (wanted === '' || head.toLowerCase().includes(wanted)) && (!only || row.matches('.bad'));
    row.hidden = !fits;
    if (fits) found += 1;
  }
  say('found', wanted === '' && !only ? '' : `${found} of ${all.length} rows`);
}

export function filterRows(): void {
  byId('filter')?.addEventListener('input', applyFilter);
  byId('problems')?.addEventListener('change', applyFilter);
}

/** The row that the keys are about. */
function selected(): HTMLElement | undefined {
  return stops().find((row) => row.classList.contains('selected'));
}

/** Moves the selection by so many rows that are shown. */
export function move(by: number): void {
  const all = stops().filter(isShown);
  const current = selected();
  const at = current === undefined ? (by > 0 ? -1 : all.length) : all.indexOf(current);
  const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
  if (next === undefined) return;
  current?.classList.remove('selected');
  next.classList.add('selected');
  next.querySelector<HTMLElement>('summary, a')?.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}

/** The seq of the row that is selected. */
export function selectedSeq(): number | undefined {
  const id = selected()?.id;
  return id === undefined ? undefined : Number(id.slice(1));
}
