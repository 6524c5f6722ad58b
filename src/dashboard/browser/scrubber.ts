/** The slider over the moments of a run: the state of each is fetched as it is passed. */
import { byId, parsed } from './page.ts';
import { showTimes } from './times.ts';

export function scrubber(): void {
  const slider = byId('scrub');
  const form = slider?.closest('form');
  if (!(slider instanceof HTMLInputElement) || !(form instanceof HTMLFormElement)) return;
  const address = form.dataset['state'] ?? '';
  const at = form.elements.namedItem('at') as HTMLInputElement;
  const from = form.elements.namedItem('from') as HTMLInputElement;
  let wanted = '';
  let isBusy = false;
  /** One at a time, the last one in the end: a slider passes more moments than anybody can look at. */
  const show = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    try {
      for (let shown = ''; shown !== wanted;) {
        shown = wanted;
        const answer = await fetch(`${address}?at=${shown}&from=${Math.max(1, Number(shown) - 1)}`);
        const html = await answer.text();
        if (answer.ok) put(html);
      }
    } finally {
      isBusy = false;
    }
  };
  slider.addEventListener('input', () => {
    wanted = slider.value;
    at.value = wanted;
    from.value = `${Math.max(1, Number(wanted) - 1)}`;
    show().catch(() => undefined);
  });
  slider.addEventListener('change', () => {
    history.replaceState(null, '', `?at=${slider.value}#state`);
  });
}

function put(html: string): void {
  const place = byId('moment');
  if (place === null) return;
  place.replaceChildren(...parsed(html).body.childNodes);
  showTimes(place);
}
