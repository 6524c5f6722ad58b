/** Keys: each does what a link or a field of the page does, too. */
import { toggleSelected } from './choosing.ts';
import { byId, isWriting } from './page.ts';
import { move, selectedSeq } from './rows.ts';
import { toggleTheme } from './theme.ts';

type Help = readonly (readonly [string, string])[];

const runHelp: Help = [
  ['/', 'Search'],
  ['j', 'Next event'],
  ['k', 'Event before'],
  ['Enter', 'Open the event'],
  ['d', 'What the event changed in the state'],
  ['f', 'Fork from the event'],
  ['?', 'These keys'],
  ['Esc', 'Close'],
];

const listHelp: Help = [
  ['/', 'Search'],
  ['j', 'Next row'],
  ['k', 'Row before'],
  ['Enter', 'Open it'],
  ['x', 'Choose it'],
  ['n', 'Next page'],
  ['r', 'Runs'],
  ['f', 'Failures'],
  ['d', 'Dark or light'],
  ['?', 'These keys'],
  ['Esc', 'Close'],
];

function page(): string | undefined {
  return byId('run')?.dataset['page'];
}

function go(address: string): void {
  location.assign(address);
}

/** What a link of the page does. */
function follow(selector: string): void {
  document.querySelector<HTMLAnchorElement>(selector)?.click();
}

const actions: Readonly<Record<string, () => void>> = {
  '/': () => {
    const field = document.querySelector<HTMLInputElement>('#filter, [role=search] input');
    field?.focus();
    field?.select();
  },
  j: () => move(1),
  k: () => move(-1),
  d: () => {
    const at = page();
    const seq = selectedSeq();
    if (at === undefined) toggleTheme();
    else go(`${at}${seq === undefined ? '' : `?at=${seq}`}#state`);
  },
  f: () => {
    const at = page();
    if (at === undefined) {
      follow('nav a[href$="/failures"]');
      return;
    }
    const seq = selectedSeq();
    const canFork = document.querySelector('a[href*="/fork"]') !== null;
    if (canFork) go(`${at}/fork${seq === undefined ? '' : `?at=${seq}`}`);
  },
  n: () => follow('a[rel=next]'),
  r: () => follow('nav a[href$="/runs"]'),
  x: () => toggleSelected(),
  '?': () => dialog().showModal(),
};

/** Made when it is asked for the first time. */
function dialog(): HTMLDialogElement {
  const known = byId('keys');
  if (known instanceof HTMLDialogElement) return known;
  const made = document.createElement('dialog');
  made.id = 'keys';
  made.setAttribute('aria-label', 'Keys');
  const title = made.appendChild(document.createElement('h2'));
  title.textContent = 'Keys';
  const list = made.appendChild(document.createElement('dl'));
  for (const [key, what] of page() === undefined ? listHelp : runHelp) {
    const pair = list.appendChild(document.createElement('div'));
    const term = pair.appendChild(document.createElement('dt'));
    term.appendChild(document.createElement('kbd')).textContent = key;
    pair.appendChild(document.createElement('dd')).textContent = what;
  }
  const form = made.appendChild(document.createElement('form'));
  form.method = 'dialog';
  form.appendChild(document.createElement('button')).textContent = 'Close';
  return document.body.appendChild(made);
}

export function keys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting()) return;
    const act = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}
