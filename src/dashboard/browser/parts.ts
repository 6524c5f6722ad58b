/** Parts of a page, replaced by what the server says of them now. */
import { choose, chosenIn } from './choosing.ts';
import { showTimes } from './times.ts';

export function replaceParts(fresh: Document): void {
  for (const part of fresh.querySelectorAll<HTMLElement>('[data-part]')) {
    const name = part.dataset['part'] ?? '';
    const shown = document.querySelector<HTMLElement>(`[data-part="${name}"]`);
    if (shown !== null) replacePart(shown, part);
  }
}

/** What the server said of each part last: the page itself may have been opened and filled in since. */
const said = new WeakMap<HTMLElement, string>();

function replacePart(shown: HTMLElement, fresh: HTMLElement): void {
  const html = fresh.innerHTML;
  if (said.get(shown) === html) return;
  // Nobody loses what they are writing.
  if (
    shown.contains(document.activeElement) &&
    document.activeElement?.matches('input:not(.choose), textarea, select') === true
  )
    return;
  if (isFilledIn(shown)) return;
  const open = openDetails(shown);
  const chosen = chosenIn(shown);
  if (!mergeRows(shown, fresh)) shown.replaceChildren(...fresh.childNodes);
  for (const details of shown.querySelectorAll('details')) {
    if (open.has(titleOf(details))) details.open = true;
  }
  choose(shown, chosen);
  said.set(shown, html);
  showTimes(shown);
}

/** Rows that are chosen do not hold the page up: the choice is made again in what is new. */
function isFilledIn(part: HTMLElement): boolean {
  const fields = part.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(
    'input:not(.choose), textarea',
  );
  return [...fields].some((field) =>
    field instanceof HTMLInputElement && field.type === 'checkbox'
      ? field.checked !== field.defaultChecked
      : field.value !== field.defaultValue,
  );
}

function openDetails(part: HTMLElement): Set<string> {
  const all = [...part.querySelectorAll('details')];
  return new Set(all.filter(({ open }) => open).map(titleOf));
}

function titleOf(details: HTMLDetailsElement): string {
  return details.querySelector('summary')?.textContent?.trim() ?? '';
}

/** What the server said of a row last. */
const saidRows = new WeakMap<Element, string>();

/**
 * Where both are a table of rows with names, replaces those alone that have changed: whoever has come to a row by the keys
 * stays there. False where there is more to replace.
 */
function mergeRows(shown: HTMLElement, fresh: HTMLElement): boolean {
  const [into, from] = [shown, fresh].map((part) => part.querySelector('[data-rows]'));
  if (into === null || from === null || into === undefined || from === undefined) return false;
  if (shown.querySelectorAll('[data-rows]').length > 1 || around(shown) !== around(fresh))
    return false;
  const known = new Map([...into.children].map((row) => [nameOf(row), row]));
  const before = [...into.children].map(nameOf);
  const isFirst = !saidRows.has(into);
  saidRows.set(into, '');
  const rows = [...from.children].map((row) => {
    const html = row.outerHTML;
    const old = known.get(nameOf(row));
    if (old !== undefined && saidRows.get(old) === html) return old;
    saidRows.set(row, html);
    if (!isFirst) row.classList.add('changed');
    if (old?.classList.contains('selected') === true) row.classList.add('selected');
    return row;
  });
  const isSameOrder =
    before.length === rows.length && rows.every((row, i) => nameOf(row) === before[i]);
  const isBox = document.activeElement?.matches('.choose') === true;
  const focused = document.activeElement?.closest('[data-key]');
  const name =
    focused !== null && focused !== undefined && into.contains(focused) ? nameOf(focused) : '';
  if (isSameOrder) {
    for (const [i, row] of rows.entries()) {
      const old = into.children[i];
      if (old !== row) old?.replaceWith(row);
    }
  } else into.replaceChildren(...rows);
  const again = name === '' ? undefined : rows.find((row) => nameOf(row) === name);
  if (again?.contains(document.activeElement) === false)
    again.querySelector<HTMLElement>(isBox ? '.choose' : 'a')?.focus({ preventScroll: true });
  return true;
}

function nameOf(row: Element): string {
  return row.getAttribute('data-key') ?? '';
}

/** A part without its rows. */
function around(part: HTMLElement): string {
  const copy = part.cloneNode(true) as HTMLElement;
  copy.querySelector('[data-rows]')?.replaceChildren();
  for (const time of copy.querySelectorAll('time')) time.replaceWith(time.dateTime);
  return copy.innerHTML;
}
