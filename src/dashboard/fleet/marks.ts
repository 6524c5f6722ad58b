/** How a thing that was looked at is. Colour is never the only sign. */
import { html } from 'hono/html';
import type { Check } from '../../core/doctor.ts';
import type { Html } from '../html.ts';

const marks: Readonly<Record<Check['status'], Html>> = {
  ok: html`<span class="good">✓ ok</span>`,
  warn: html`<span class="warn">▲ look</span>`,
  fail: html`<span class="bad">✕ wrong</span>`,
};

export function mark(status: Check['status']): Html {
  return marks[status];
}
