/** The workers that are registered now. */
import { html } from 'hono/html';
import type { WorkerRecord } from '../core/fleet.ts';
import type { Html } from './html.ts';
import { table } from './parts.ts';
import { time } from './times.ts';
import { visible } from './words.ts';

export function workersPage(workers: readonly WorkerRecord[]): Html {
  if (workers.length === 0)
    return html`<h1>Workers</h1>
      <p>No worker is there; runs wait for one.</p>`;
  return html`<h1>Workers</h1>
    ${table(
      ['Worker', 'Process', 'Is', 'Holds', 'Loop', 'Seen', 'Workflows'],
      workers.map((worker) => [
        html`<bdi>${visible(worker.id)}</bdi>`,
        html`<bdi>${visible(worker.host)}</bdi>:${worker.pid}`,
        worker.draining ? 'draining' : 'working',
        `${worker.active} of ${worker.concurrency} runs`,
        `loop lag ${Math.round(worker.loopLagMs)} ms`,
        time(new Date(worker.seenAt)),
        html`<bdi>${visible(served(worker))}</bdi>`,
      ]),
    )}`;
}

function served({ workflows }: WorkerRecord): string {
  return Object.entries(workflows)
    .map(([name, version]) => `${name}@${version}`)
    .join(' ');
}
