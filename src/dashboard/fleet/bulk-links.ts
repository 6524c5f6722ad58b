/** The way from a search to what can be done to all of its runs. Nothing is done by a link: the page behind it counts. */
import { html } from 'hono/html';
import type { Html } from '../html.ts';
import type { Settings } from '../settings.ts';
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
