/** What a run gives out while it is at work, by its outputs: the newest chunks, and with a script those that come. */
import { html } from 'hono/html';
import type { OutputChunk } from '../engine/definition/outputs.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Pawl } from '../pawl.ts';
import type { Html } from './html.ts';
import { count } from './parts.ts';
import { preview, visible } from './words.ts';

const chunksShown = 200;

export interface Given {
  /** The newest chunks that are kept. */
  readonly chunks: readonly OutputChunk[];
  /** The number of the last one; 0 for none. */
  readonly last: number;
}

export async function readGiven(pawl: Pawl, { id, chunks: newest }: RunInfo): Promise<Given> {
  if (newest === 0) return { chunks: [], last: 0 };
  const chunks: OutputChunk[] = [];
  const from = Math.max(1, newest - chunksShown + 1);
  for await (const chunk of pawl.run(id).output({ from, live: false })) {
    chunks.push(chunk);
    if (chunks.length >= chunksShown) break;
  }
  return { chunks, last: chunks.at(-1)?.number ?? newest };
}

/** The text of a chunk: what is no text stands on a line of its own. */
export function chunkText({ value }: OutputChunk): string {
  return typeof value === 'string' ? visible(value) : `${preview(value).text}\n`;
}

/** What one step has written to one output, one attempt after the other. */
interface Stream {
  readonly output: string;
  readonly step: string;
  readonly attempts: OutputChunk[][];
}

function streamsOf(chunks: readonly OutputChunk[]): readonly Stream[] {
  const streams = new Map<string, Stream>();
  for (const chunk of chunks) {
    const name = JSON.stringify([chunk.output, chunk.step]);
    const { output, step } = chunk;
    const stream = streams.get(name) ?? { output, step, attempts: [] };
    streams.set(name, stream);
    const last = stream.attempts.at(-1);
    if (last === undefined || (chunk.begins && last.length > 0)) stream.attempts.push([chunk]);
    else last.push(chunk);
  }
  return [...streams.values()];
}

/** A run that has given out nothing yet has the place for it, which is not seen. */
export function outputPart(at: string, { chunks, last }: Given, isLive: boolean): Html {
  if (last === 0 && !isLive) return html``;
  const where = isLive ? html`data-output="${at}/output?after=${last}"` : '';
  return html`<section class="streams ${last === 0 ? 'none' : ''}" ${where}>
    <h2 id="outputs">Output at work</h2>
    ${streamsOf(chunks).map(streamPart)}
  </section>`;
}

function streamPart({ output, step, attempts }: Stream): Html {
  const dead = attempts.slice(0, -1);
  const alive = attempts.at(-1) ?? [];
  const gone = dead.length;
  return html`<section class="stream" data-stream="${JSON.stringify([output, step])}">
    <h3>
      <bdi>${visible(output)}</bdi>
      ${step === '' ? '' : html`<span class="dim">of step <bdi>${visible(step)}</bdi></span>`}
    </h3>
    ${
      gone === 0
        ? ''
        : html`<details>
            <summary>${count(gone, 'earlier attempt')}, given up</summary>
            <pre tabindex="0" class="dead">${dead.flat().map(chunkText).join('')}</pre>
          </details>`
    }
    <pre tabindex="0" class="alive">${alive.map(chunkText).join('')}</pre>
  </section>`;
}
