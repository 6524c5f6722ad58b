/** The way from a search to what can be done to all of its runs. Nothing is done by a link: the page behind it counts. */
import { html } from 'hono/html';
import type { Html } from '../html.ts';
import type { Settings } from '../settings.ts';
import { visible } from '../words.ts';
import { manyActions, manyNames } from './bulk-actions.ts';
import type { Search } from './search.ts';

export function bulkLinks({ base, actions }: Settings, search: Search): Html | string {
  const names = manyNames(actions);
  if (names.length === 0) return '';
  const links = names.map(
    (name) =>
      html`<a class="act" href="${base}/bulk?action=${name}&amp;${search.query}"
        >${manyActions[name].verb}…</a
      >`,
  );
  return html`<details class="act">
    <summary>Act on all of them…</summary>
    ${
      search.query === ''
        ? html`<p class="dim">Search first: what is done to many runs needs a condition.</p>`
        : html`<p class="acts">${links}</p>
            <p class="dim">The next page counts first, and asks.</p>`
    }
  </details>`;
}

/**
 * What can be done to the runs whose rows are chosen. The boxes in the rows belong to this form, wherever they stand; the
 * page behind it counts, and asks.
 */
export function chosenForm({ base, actions }: Settings): Html | string {
  const names = manyNames(actions);
  if (names.length === 0) return '';
  return html`<form id="chosen" class="chosen" method="get" action="${base}/bulk">
    <span id="chosen-count">The chosen runs:</span>
    ${names.map((name) => html`<button name="action" value="${name}">${manyActions[name].verb}…</button> `)}
  </form>`;
}

/** The box in the row of a run. */
export function choosing(id: string): Html {
  return html`<input
    type="checkbox"
    class="choose"
    form="chosen"
    name="run"
    value="${id}"
    aria-label="Choose ${visible(id)}"
    autocomplete="off"
  />`;
}
