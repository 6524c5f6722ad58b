/** Why a run failed: what happened first, then what came of it, each with its stack. */
import { html } from 'hono/html';
import type { ErrorRecord } from '../core/errors.ts';
import type { Html } from './html.ts';
import { visible } from './words.ts';

const shownMax = 8;

export function errorPart(error: ErrorRecord): Html {
  const chain: ErrorRecord[] = [];
  for (let one: ErrorRecord | undefined = error; one !== undefined; one = one.cause) {
    chain.unshift(one);
    if (chain.length >= shownMax) break;
  }
  const [first, ...rest] = chain;
  if (first === undefined) return html``;
  return html`<section class="error" aria-label="Error">
    ${oneError(first)}
    ${rest.map((one) => html`<div class="then"><span class="dim">which led to</span> ${oneError(one)}</div>`)}
  </section>`;
}

function oneError({ name, message, code, stack, errors = [] }: ErrorRecord): Html {
  return html`<p>
      <strong>${visible(name)}</strong>${code === undefined ? '' : ` (${visible(code)})`}:
      ${visible(message)}
    </p>
    ${
      errors.length === 0
        ? ''
        : html`<ul>
            ${errors.slice(0, shownMax).map((one) => html`<li>${oneError(one)}</li>`)}
          </ul>`
    }
    ${
      stack === undefined
        ? ''
        : html`<details>
            <summary>Stack</summary>
            <pre tabindex="0">${visible(stack)}</pre>
          </details>`
    }`;
}
