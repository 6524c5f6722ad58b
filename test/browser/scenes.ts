/** Runs that have something to show: made by real worker processes, some of which are killed on the way. */
import type { RunHandle } from 'pawl';
import { firstEvent } from '../support/workers.ts';
import type { Stage } from './stage.ts';
import {
  chat,
  hostile,
  hostileText,
  invoice,
  order,
  payment,
  research,
  upload,
} from './workflows.ts';

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

/** Uploads of the last hour, of which some have failed. A few are real, the others are copies of their logs. */
export async function pastHour(stage: Stage, copies = 240): Promise<void> {
  const { pawl } = stage;
  const fails = ['full', 'slow', 'denied'] as const;
  const wanted = [undefined, undefined, undefined, ...fails];
  const runs = await Promise.all(
    wanted.map((one, i) => {
      const input = { file: `scan-${i}.pdf`, ...(one === undefined ? {} : { fails: one }) };
      return pawl.start(upload, input, { id: `upload-${i}`, tags: { tenant: 'acme' } });
    }),
  );
  await Promise.all(runs.map((run, i) => untilStatus(run, i < 3 ? 'completed' : 'failed')));
  const exports = await Promise.all(runs.map(({ id }) => linesOf(pawl.export(id))));
  const lines: string[] = [];
  for (let copy = 0; copy < copies; copy++) {
    // Fewer of them fail than in the real ones, and more in the middle of the hour.
    const isBad = copy % 11 === 0 || (copy > copies / 2 && copy < copies / 1.8);
    const which = isBad ? 3 + (copy % 3) : copy % 3;
    const agoMs = ((copies - copy) / copies) * 3_400_000 + 30_000 * Math.sin(copy);
    lines.push(
      ...(exports[which] ?? []).map((line) => moved(line, `upload-${which}`, copy, agoMs)),
    );
  }
  if (lines.length > 0) await pawl.import(lines);
}

async function linesOf(all: AsyncIterable<string>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of all) lines.push(line);
  return lines;
}

/** A line of an export as one of another run, some time before. */
function moved(line: string, id: string, copy: number, agoMs: number): string {
  const at = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g;
  return line
    .replaceAll(`"${id}"`, `"up-${String(copy).padStart(4, '0')}"`)
    .replaceAll(at, (time) => new Date(Date.parse(time) - agoMs).toISOString())
    .replace(/,"sha256":"[^"]*"/, '');
}

/** Uploads that wait until the first workers start. `look` is what is called meanwhile, about every second. */
export async function late(stage: Stage, look: () => Promise<unknown>): Promise<void> {
  const runs = await Promise.all(
    [1, 2, 3, 4].map((n) => stage.pawl.start(upload, { file: `${n}.pdf` }, { id: `early-${n}` })),
  );
  for (let second = 0; second < 6; second++) {
    await look();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await Promise.all([stage.startWorker(), stage.startWorker()]);
  await Promise.all(runs.map((run) => untilStatus(run, 'completed')));
}

/** Schedules, and runs that somebody deleted. */
export async function kept(stage: Stage): Promise<void> {
  const { pawl } = stage;
  const nightly = { id: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin' };
  await pawl.schedule(upload, { file: 'backup.tar' }, nightly);
  await pawl.schedule(upload, { file: 'logs.gz' }, { id: 'logs', every: '10m' });
  await pawl.schedule(upload, { file: 'all.tar' }, { id: 'weekly', cron: '0 4 * * 0' });
  await pawl.scheduled.trigger(upload, 'logs', { actor: 'kim' });
  await pawl.scheduled.pause(upload, 'weekly', { actor: 'kim' });
  for (const id of ['upload-old', 'upload-wrong']) {
    const run = await pawl.start(upload, { file: 'x' }, { id });
    await untilStatus(run, 'completed');
    await pawl.delete(id, { actor: 'kim', reason: 'the customer asked for it' });
  }
}
