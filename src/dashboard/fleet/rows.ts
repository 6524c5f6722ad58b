/** Tables whose rows have names: a page that is open replaces those that have changed, and keys go from one to the next. */
import { html } from 'hono/html';
import type { Html } from '../html.ts';
import type { Cell } from '../parts.ts';

export interface Row {
  readonly key: string;
  readonly cells: readonly Cell[];
}

/** A row has a cell for each word of the head. On a narrow screen each cell says its word. */
export function rowTable(label: string, head: readonly string[], rows: readonly Row[]): Html {
  return html`<table class="stack rows" aria-label="${label}">
    <thead>
      <tr>
        ${head.map((word) => html`<th scope="col">${word}</th>`)}
      </tr>
    </thead>
    <tbody data-rows>
      ${rows.map(
        ({ key, cells }) =>
          html`<tr data-key="${key}">
            ${cells.map((cell, i) => html`<td data-label="${head[i] ?? ''}">${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** A part of a page that stays true while the page is open. */
export function livePart(name: string, content: Html | string): Html {
  return html`<div data-part="${name}">${content}</div>`;
}
