/** Ages: a page without a script says since when, which stays true; the script says how long that is, and counts on. */
import { html } from 'hono/html';
import type { Html } from '../html.ts';

export function age(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" data-as="age" title="${iso}"
    >since ${iso.slice(0, 19).replace('T', ' ')}</time
  >`;
}
