/** Runs to be moved from one pawl to another, and the lines that carry them. */
import { createHash } from 'node:crypto';
import { defineWorkflow, type Pawl, type RunStatus } from 'pawl';
import { z } from 'zod';

/** Keeps checkpoints on the way, with values JSON has no word for, and ends when it hears `go`. */
export const reading = defineWorkflow({
  name: 'reading',
  input: z.object({ pages: z.number() }),
  state: z.object({ page: z.number().default(0), since: z.date().optional() }),
  signals: { go: z.object({ by: z.string() }) },
  async run(ctx, { pages }) {
    for (let page = ctx.state.page + 1; page <= pages; page++) {
      await ctx.step(`read:${page}`, () => ({ words: page * 10, on: new Set([page]) }));
      await ctx.set({ page, since: new Date(0) });
      await ctx.checkpoint({ label: `page ${page}`, metadata: { page } });
    }
    const by = (await ctx.waitFor('go'))?.by;
    await ctx.set({ page: pages + 1 });
    return { by, at: new Date(1), size: 7n };
  },
});

export const helper = defineWorkflow({
  name: 'helper',
  input: z.object({ wait: z.boolean() }),
  signals: { go: z.undefined() },
  async run(ctx, { wait }) {
    if (wait) await ctx.waitFor('go');
    return 'helped';
  },
});

/** Waits for a child. */
export const leading = defineWorkflow({
  name: 'leading',
  input: z.object({ wait: z.boolean() }),
  async run(ctx, input) {
    const child = await ctx.start(helper, input);
    return { child: await child.result() };
  },
});

export const moved = [reading, helper, leading];

export async function untilStatus(pawl: Pawl, id: string, status: RunStatus): Promise<void> {
  // A child is not there before its parent has started it.
  const statusNow = async (): Promise<RunStatus | undefined> =>
    (await pawl.list({ idPrefix: id })).runs.find((run) => run.id === id)?.status;
  while ((await statusNow()) !== status) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** One that waits with a message behind it, one that has ended, one that was cancelled and one that nobody took up. */
export async function readSome(pawl: Pawl): Promise<void> {
  const worker = pawl.worker({ workflows: [reading] });
  for (const id of ['waiting', 'ended', 'cancelled']) {
    await pawl.start(reading, { pages: 2 }, { id, tags: { tenant: 'acme', kind: id } });
    await untilStatus(pawl, id, 'waiting');
  }
  await pawl.run(reading, 'ended').signal('go', { by: 'kim' });
  await pawl.run('cancelled').cancel({ reason: 'enough' });
  await untilStatus(pawl, 'ended', 'completed');
  await untilStatus(pawl, 'cancelled', 'cancelled');
  await worker.close();
  await pawl.run(reading, 'waiting').signal('go', { by: 'kim' }, { id: 's1' });
  await pawl.start(reading, { pages: 1 }, { id: 'queued', priority: 3 });
}

/** What the record of a run counts when all that may go is dropped from its log. */
export async function compactedBytes(pawl: Pawl, id: string): Promise<number> {
  const { dropped } = await pawl.compact(id);
  if (dropped < 5) throw new Error(`The log of ${id} was hardly shortened, by ${dropped} events.`);
  return (await pawl.run(id).info()).bytes;
}

export async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** The same lines with `change` made to each object, and the sums of their runs made anew. */
export function changed(
  lines: readonly string[],
  change: (line: Record<string, unknown>) => Record<string, unknown> | undefined,
): string[] {
  let hash = createHash('sha256');
  const all: string[] = [];
  for (const text of lines) {
    const line = change(JSON.parse(text) as Record<string, unknown>);
    if (line === undefined) continue;
    if (line['kind'] === 'run') hash = createHash('sha256');
    if (line['kind'] === 'end' && 'sha256' in line) line['sha256'] = hash.copy().digest('hex');
    const json = JSON.stringify(line);
    hash.update(json).update('\n');
    all.push(json);
  }
  return all;
}
