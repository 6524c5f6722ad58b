/** Runs that have something to show: made by real worker processes, some of which are killed on the way. */
import type { RunHandle } from 'pawl';
import { firstEvent } from '../support/workers.ts';
import type { Stage } from './stage.ts';
import { chat, hostile, hostileText, invoice, order, payment, research } from './workflows.ts';

/** Resolves when the run is in this status. */
export async function untilStatus(
  run: RunHandle,
  status: string,
  timeoutMs = 60_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (let is = ''; is !== status;) {
    is = (await run.info()).status;
    if (is === status) return;
    if (Date.now() > end) throw new Error(`run ${run.id} is ${is}, not ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** An invoice whose owner was killed at its third page; it waits for an approval. */
export async function takenOver(stage: Stage, id = 'inv-7731'): Promise<RunHandle> {
  const input = { customer: 'Ada', pages: 5, paceMs: 200 };
  const run = await stage.pawl.start(invoice, input, { id, tags: { tenant: 'acme' } });
  await firstEvent(run, ({ type, seq }) => type === 'page.read' && seq > 6);
  await stage.killOwner(run);
  await stage.startWorker();
  await untilStatus(run, 'waiting');
  return run;
}

/** A graph after two rounds, at the node that waits to publish. */
export async function atNode(stage: Stage, id = 'research-12'): Promise<RunHandle> {
  const run = await stage.pawl.start(research, { question: 'why pawls' }, { id });
  await untilStatus(run, 'waiting');
  return run;
}

/** An order whose second parcel has failed. */
export async function withChildren(stage: Stage, id = 'order-9'): Promise<RunHandle> {
  const run = await stage.pawl.start(order, { items: ['lamp', 'vase', 'book'] }, { id });
  await firstEvent(run, ({ type, data }) => {
    return type === 'timer.set' && (data as { name: string }).name === 'until it arrives';
  });
  await untilStatus(run, 'waiting');
  return run;
}

/** A payment whose worker was killed while it charged: a person is asked. */
export async function inDoubt(stage: Stage, id = 'payment-3'): Promise<RunHandle> {
  const run = await stage.pawl.start(payment, { cents: 4_200, ms: 60_000 }, { id });
  await firstEvent(run, ({ type }) => type === 'effect.begun');
  await stage.killOwner(run);
  await stage.startWorker();
  await untilStatus(run, 'waiting');
  return run;
}

/** A model that talks for a while. */
export async function talking(stage: Stage, id = 'chat-5', count = 400): Promise<RunHandle> {
  const run = await stage.pawl.start(chat, { words: count, paceMs: 100 }, { id });
  await firstEvent(run, ({ type }) => type === 'run.claimed');
  return run;
}

export async function full(stage: Stage, id = 'hostile-1'): Promise<RunHandle> {
  const run = await stage.pawl.start(hostile, { text: hostileText }, { id });
  await untilStatus(run, 'waiting');
  return run;
}
