/** Times as the reader wants them: UTC, local, or relative. The choice is kept in this browser. */
import { byId } from './page.ts';

const choices = ['utc', 'local', 'relative'] as const;
type Choice = (typeof choices)[number];

const names: Readonly<Record<Choice, string>> = {
  utc: 'Times are UTC',
  local: 'Times are local',
  relative: 'Times are relative to now',
};
const kept = 'pawl.times';
const relativeMs = 10_000;
const ageMs = 1_000;

function chosen(): Choice {
  try {
    const found = localStorage.getItem(kept);
    return choices.find((one) => one === found) ?? 'utc';
  } catch {
    return 'utc';
  }
}

function pad(number: number, length = 2): string {
  return String(number).padStart(length, '0');
}

function local(at: Date): string {
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return `${day} ${time}.${pad(at.getMilliseconds(), 3)}`;
}

function relative(at: Date): string {
  const ms = at.getTime() - Date.now();
  const seconds = Math.round(Math.abs(ms) / 1000);
  const [many, unit] =
    seconds < 60
      ? [seconds, 's']
      : seconds < 3600
        ? [Math.round(seconds / 60), 'min']
        : seconds < 86_400
          ? [Math.round(seconds / 3600), 'h']
          : [Math.round(seconds / 86_400), 'd'];
  return ms > 0 ? `in ${many} ${unit}` : `${many} ${unit} ago`;
}

/** How much of a time is shown. */
const parts: Readonly<Record<string, readonly [number, number]>> = {
  second: [0, 19],
  precise: [0, 23],
  clock: [11, 23],
  minute: [0, 16],
};

/** `412 ms`, `48 s`, `2 min 3 s`, `3 h 5 min`, `2 d 4 h`. */
function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const [large, small, size] =
    seconds < 3600
      ? (['min', 's', 60] as const)
      : seconds < 86_400
        ? (['h', 'min', 3600] as const)
        : (['d', 'h', 86_400] as const);
  const many = Math.floor(seconds / size);
  const sizes = { s: 1, min: 60, h: 3600 };
  const rest = Math.floor((seconds - many * size) / sizes[small]);
  return rest === 0 ? `${many} ${large}` : `${many} ${large} ${rest} ${small}`;
}

function show(element: HTMLTimeElement, choice: Choice): void {
  const at = new Date(element.dateTime);
  const utc = at.toISOString().replace('T', ' ');
  const isAge = element.dataset['as'] === 'age';
  const text = isAge ? ageText(Date.now() - at.getTime()) : shownAs(element, at, choice);
  if (element.textContent !== text) element.textContent = text;
  element.title = `${utc.slice(0, 23)} UTC, ${local(at)} local, ${relative(at)}`;
}

function shownAs(element: HTMLTimeElement, at: Date, choice: Choice): string {
  const [from, to] = parts[element.dataset['as'] ?? 'second'] ?? [0, 19];
  const utc = at.toISOString().replace('T', ' ');
  return choice === 'relative' && element.dataset['as'] !== 'clock'
    ? relative(at)
    : (choice === 'utc' ? utc : local(at)).slice(from, to);
}

function showAll(root: ParentNode): void {
  const choice = chosen();
  for (const element of root.querySelectorAll('time')) show(element, choice);
}

/** Shows the times below an element; of the whole document also the button that chooses. */
export function showTimes(root: ParentNode): void {
  showAll(root);
  if (root !== document) return;
  const place = byId('times');
  if (place === null) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'plain';
  button.textContent = names[chosen()];
  button.addEventListener('click', () => {
    const next = choices[(choices.indexOf(chosen()) + 1) % choices.length] ?? 'utc';
    try {
      localStorage.setItem(kept, next);
    } catch {
      // A browser that keeps nothing shows UTC.
    }
    button.textContent = names[chosen()];
    showAll(document);
  });
  place.replaceChildren(button);
  setInterval(() => {
    if (chosen() === 'relative') showAll(document);
  }, relativeMs);
  setInterval(() => {
    for (const element of document.querySelectorAll<HTMLTimeElement>('time[data-as=age]'))
      show(element, chosen());
  }, ageMs);
}
