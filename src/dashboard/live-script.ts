/** The few lines of script that append events as they come. Everything is set as text, never as markup. */
import { html, raw } from 'hono/html';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Html } from './layout.ts';
import { colourCount } from './owners.ts';
import { visible } from './words.ts';

const script = `
const at = document.currentScript.dataset, list = document.getElementById('events');
const say = (text) => { document.getElementById('live').textContent = text; };
const put = (parent, name, text, kind) => {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text; if (kind) made.className = kind; return made;
};
// The colour goes on from where the page ended.
const colours = list.querySelectorAll('[class*=colour-]');
let colour = Number(/colour-(\\d)/.exec(colours[colours.length - 1]?.className)?.[1] ?? 0);
let owner = at.owner, isHeld = !list.lastElementChild?.classList.contains('nobody');
const source = new EventSource(at.from);
source.onopen = () => say('Live.');
source.onerror = () => say('The connection was lost; trying again.');
source.addEventListener('entry', ({ data }) => {
  const one = JSON.parse(data);
  document.getElementById('e' + one.seq)?.remove();
  if (one.by) {
    if (one.isTakeover || (owner && owner !== one.by)) colour = (colour + 1) % ${colourCount};
    owner = one.by; isHeld = true;
  } else if (one.type === 'run.interrupted') isHeld = false;
  const item = put(list, 'li', '', (isHeld ? 'colour-' + colour : 'nobody') + (one.turn ? ' turn' : ''));
  item.id = 'e' + one.seq;
  const details = put(item, 'details', ''), head = put(details, 'summary', '', 'head');
  put(head, 'span', one.seq, 'seq'); put(head, 'bdi', ' ' + one.type);
  if (one.turn) put(head, 'bdi', ' ' + one.turn);
  put(head, 'span', ' ' + one.at.slice(0, 19).replace('T', ' '), 'dim');
  if (!isHeld || owner) put(head, 'span', ' held by ' + (isHeld ? owner : 'nobody'), 'dim');
  put(details, 'pre', one.text);
});
source.addEventListener('end', ({ data }) => { source.close(); say('Ended: ' + data + '. Load the page again for the rest.'); });
`;

export function liveScript(nonce: string, at: string, { seq, worker }: RunInfo): Html {
  return html`<script
    nonce="${nonce}"
    data-from="${at}/live?after=${seq}"
    data-owner="${visible(worker ?? '')}"
  >
    ${raw(script)};
  </script>`;
}
