/** The workers that are registered now. */
import { html } from 'hono/html';
import type { WorkerRecord } from '../core/store.ts';
import { type Html, time } from './layout.ts';
import { visible } from './words.ts';

export function workersPage(workers: readonly WorkerRecord[]): Html {
  if (workers.length === 0)
    return html`<h1>Workers</h1>
      <p>No worker is there; runs wait for one.</p>`;
  const rows = workers.map(
    (worker) =>
      html`<tr>
        <td><bdi>${visible(worker.id)}</bdi></td>
        <td><bdi>${visible(worker.host)}</bdi>:${worker.pid}</td>
        <td>${worker.draining ? 'draining' : 'working'}</td>
        <td>${worker.active} of ${worker.concurrency} runs</td>
        <td>loop lag ${Math.round(worker.loopLagMs)} ms</td>
        <td>${time(new Date(worker.seenAt))}</td>
        <td>
          <bdi
            >${visible(
              Object.entries(worker.workflows)
                .map(([name, version]) => `${name}@${version}`)
                .join(' '),
            )}</bdi
          >
        </td>
      </tr>`,
  );
  return html`<h1>Workers</h1>
    <table class="stack">
      <thead>
        <tr>
          <th>Worker</th>
          <th>Process</th>
          <th>Is</th>
          <th>Holds</th>
          <th>Loop</th>
          <th>Seen</th>
          <th>Workflows</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`;
}
