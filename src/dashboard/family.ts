/** Where a run stands among others: who has started it, and whom it has started. */
import { html } from 'hono/html';
import { PawlError } from '../core/errors.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Pawl } from '../pawl.ts';
import type { Html } from './html.ts';
import { statusMark } from './parts.ts';
import { spanText } from './times.ts';
import { visible } from './words.ts';

const ancestorsShown = 8;
const childrenShown = 50;

export interface Family {
  /** The outermost first. */
  readonly ancestors: readonly RunInfo[];
  /** The oldest first. */
  readonly children: readonly RunInfo[];
  readonly hasMore: boolean;
}

export async function readFamily(pawl: Pawl, run: RunInfo): Promise<Family> {
  const [ancestors, { runs, cursor }] = await Promise.all([
    readAncestors(pawl, run),
    pawl.run(run.id).children({ limit: childrenShown }),
  ]);
  return { ancestors, children: runs.toReversed(), hasMore: cursor !== undefined };
}

async function readAncestors(pawl: Pawl, run: RunInfo): Promise<readonly RunInfo[]> {
  const found: RunInfo[] = [];
  let { parent } = run;
  while (parent !== undefined && found.length < ancestorsShown) {
    try {
      const info = await pawl.run(parent).info();
      found.unshift(info);
      ({ parent } = info);
    } catch (error) {
      // A parent may have been deleted.
      if (PawlError.is(error) && error.code === 'PAWL_RUN_NOT_FOUND') break;
      throw error;
    }
  }
  return found;
}

export function familyPart(base: string, run: RunInfo, family: Family): Html {
  const { ancestors, children, hasMore } = family;
  if (ancestors.length === 0 && children.length === 0) return html``;
  return html`<h2 id="family">Family</h2>
    <div class="tree">${branch(base, ancestors, { run, children, hasMore })}</div>`;
}

function branch(
  base: string,
  [first, ...rest]: readonly RunInfo[],
  own: { readonly run: RunInfo; readonly children: readonly RunInfo[]; readonly hasMore: boolean },
): Html {
  if (first !== undefined) {
    return html`<ul>
      <li>${link(base, first)} ${branch(base, rest, own)}</li>
    </ul>`;
  }
  const { run, children, hasMore } = own;
  const below = html`<ul>
    ${children.map((child) => html`<li>${link(base, child)}</li>`)}
    ${hasMore ? html`<li><a href="${base}/runs?parent=${run.id}">older children</a></li>` : ''}
  </ul>`;
  return html`<ul>
    <li aria-current="true">
      <b><bdi>${visible(run.id)}</bdi></b> ${statusMark(run.status)}
      ${children.length === 0 ? '' : below}
    </li>
  </ul>`;
}

function link(base: string, { id, workflow, status, createdAt, changedAt, error }: RunInfo): Html {
  const took = spanText(changedAt.getTime() - createdAt.getTime());
  return html`<a href="${base}/runs/${id}"><bdi>${visible(id)}</bdi></a> ${statusMark(status)}
    <span class="dim"><bdi>${visible(workflow)}</bdi> · ${took}</span>
    ${error === undefined ? '' : html`<span class="bad">${visible(error.message.slice(0, 120))}</span>`}`;
}
