// Goal: whatever pages are open, and however many, one reader asks the store, at a rate that does not grow with them; who
// follows misses nothing, and a store that fails is told and come back from. Method: readings that are counted.
import { expect, test } from 'vitest';
import {
  type LiveRead,
  LiveReads,
  type Reading,
  turnMs,
} from '../../../src/dashboard/fleet/live-reads.ts';
import { memoryPawl } from '../../support/memory.ts';
import { dashboard } from 'pawl/dashboard';

function counted(name: string): LiveRead<number> & { reads: number } {
  const what = {
    name,
    everyMs: 10,
    reads: 0,
    read: () => {
      what.reads += 1;
      return Promise.resolve(what.reads);
    },
  };
  return what;
}

async function firsts<Data>(
  reads: LiveReads,
  what: LiveRead<Data>,
  { many, signal }: { many: number; signal: AbortSignal },
): Promise<Reading<Data>[]> {
  const all: Reading<Data>[] = [];
  for await (const reading of reads.follow(what, signal)) {
    all.push(reading);
    if (all.length === many) break;
  }
  return all;
}

test('fifty pages of one search share each reading', async () => {
  const reads = new LiveReads();
  const what = counted('runs?');
  const { signal } = new AbortController();
  const seen = await Promise.all(
    Array.from({ length: 50 }, () => firsts(reads, what, { many: 2, signal })),
  );
  expect(what.reads).toBe(2);
  for (const one of seen)
    expect(one.map((reading) => 'data' in reading && reading.data)).toEqual([1, 2]);
  // Nobody follows any more: nobody reads.
  await new Promise((resolve) => setTimeout(resolve, 2 * turnMs));
  expect(what.reads).toBe(2);
});

test('many different pages are read in turns, each of them', async () => {
  const reads = new LiveReads();
  const all = Array.from({ length: 6 }, (_, i) => counted(`runs?${i}`));
  const { signal } = new AbortController();
  const begun = performance.now();
  await Promise.all(all.map((what) => firsts(reads, what, { many: 1, signal })));
  // One in each turn, so six of them take six turns.
  expect(performance.now() - begun).toBeGreaterThan(5 * turnMs);
  expect(all.map(({ reads: many }) => many)).toEqual([1, 1, 1, 1, 1, 1]);
});

test('a reading that fails is told, and the next one is tried', async () => {
  const reads = new LiveReads();
  let isUp = false;
  const read = (): Promise<string> =>
    isUp ? Promise.resolve('up') : Promise.reject(new Error('down'));
  const { signal } = new AbortController();
  const kinds: string[] = [];
  for await (const { kind } of reads.follow({ name: 'x', everyMs: 10, read }, signal)) {
    kinds.push(kind);
    isUp = true;
    if (kind === 'read') break;
  }
  expect(kinds).toEqual(['lost', 'read']);
});

test('what is made of a reading is made once for pages that are alike', async () => {
  const reads = new LiveReads();
  const { signal } = new AbortController();
  let made = 0;
  const make = (): Promise<string> => {
    made += 1;
    return Promise.resolve('html');
  };
  const pages = Array.from({ length: 10 }, () => firsts(reads, counted('x'), { many: 1, signal }));
  const seen = (await Promise.all(pages)).flat();
  for (const one of seen) {
    if (one.kind !== 'read') continue;
    await Promise.all([one.made.for('ada', make), one.made.for('kim', make)]);
  }
  expect(made).toBe(2);
});

test('a page is sent its parts, and again only when they have changed', async () => {
  await using pawl = memoryPawl().pawl;
  const pages = dashboard(pawl);
  const headers = { host: '127.0.0.1:4777' };
  const gone = new AbortController();
  const answer = await pages.fetch(
    new Request('http://127.0.0.1:4777/live/runs?status=dead', { headers, signal: gone.signal }),
  );
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const end = performance.now() + 8 * turnMs + 500;
  while (performance.now() < end) {
    const part = await Promise.race([
      reader?.read(),
      new Promise<undefined>((resolve) =>
        setTimeout(() => resolve(undefined), end - performance.now()),
      ),
    ]);
    text += part?.value ?? '';
  }
  gone.abort();
  await reader?.cancel().catch(() => undefined);
  expect(text.match(/event: parts/g)).toHaveLength(1);
  expect(text).toContain('data-part="rows"');
  const refused = await pages.fetch(
    new Request('http://127.0.0.1:4777/live/runs?status=acitve', { headers }),
  );
  expect(refused.status).toBe(400);
});
