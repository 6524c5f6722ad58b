/** Runs that are chosen in a list, to be acted on together. Without a script the form works as well, and counts later. */
import { byId, say } from './page.ts';

function boxes(root: ParentNode = document): HTMLInputElement[] {
  return [...root.querySelectorAll<HTMLInputElement>('input.choose')];
}

/** What is chosen below an element, before it is replaced. */
export function chosenIn(root: ParentNode): ReadonlySet<string> {
  return new Set(
    boxes(root)
      .filter(({ checked }) => checked)
      .map(({ value }) => value),
  );
}

/** Chooses again what was chosen and is still there. */
export function choose(root: ParentNode, chosen: ReadonlySet<string>): void {
  for (const box of boxes(root)) box.checked = chosen.has(box.value);
  count();
}

function count(): void {
  const form = byId('chosen');
  if (form === null) return;
  const many = chosenIn(document).size;
  say('chosen-count', many === 0 ? 'Choose runs to act on them:' : `${many} chosen:`);
  for (const button of form.querySelectorAll('button')) button.disabled = many === 0;
}

/** The box of the row that the keys are about. */
export function toggleSelected(): void {
  const box = document.querySelector<HTMLInputElement>('.selected input.choose');
  if (box === null) return;
  box.checked = !box.checked;
  count();
}

export function choosing(): void {
  if (byId('chosen') === null) return;
  document.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement && target.matches('.choose')) count();
  });
  // A browser that comes back to the page may have kept the boxes as they were.
  addEventListener('pageshow', count);
  count();
}
