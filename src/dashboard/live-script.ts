/** The few lines of script that append events as they come. Everything is set as text, never as markup. */
import { html, raw } from 'hono/html';
import type { Html } from './layout.ts';

const script = `
const at = document.currentScript.dataset, list = document.getElementById('events');
const say = (text) => { document.getElementById('live').textContent = text; };
const put = (parent, name, text, kind) => {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text; if (kind) made.className = kind; return made;
};
const source = new EventSource(at.from);
source.onopen = () => say('Live.');
source.onerror = () => say('The connection was lost; trying again.');
source.addEventListener('entry', ({ data }) => {
  const one = JSON.parse(data);
  document.getElementById('e' + one.seq)?.remove();
  const item = put(list, 'li', '', one.turn ? 'turn' : ''); item.id = 'e' + one.seq;
  const details = put(item, 'details', ''), head = put(details, 'summary', '', 'head');
  put(head, 'span', one.seq, 'seq'); put(head, 'bdi', ' ' + one.type);
  if (one.turn) put(head, 'bdi', ' ' + one.turn);
  put(head, 'span', ' ' + one.at, 'dim'); put(details, 'pre', one.text);
});
source.addEventListener('end', ({ data }) => { source.close(); say('Ended: ' + data + '. Load the page again for the rest.'); });
`;

export function liveScript(nonce: string, at: string, seq: number): Html {
  return html`<script nonce="${nonce}" data-from="${at}/live?after=${seq}">
    ${raw(script)};
  </script>`;
}
