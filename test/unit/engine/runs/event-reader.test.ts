// Goal: a reader shows what is in the log, also when the log is not the one it has begun to read. Method: logs written by
// hand, replaced between two pages as a crash of Redis would.
import { expect, test } from 'vitest';
import type { StoredEvent } from '../../../../src/core/event.ts';
import type { RunStore } from '../../../../src/core/store.ts';
import { EventReader } from '../../../../src/engine/runs/event-reader.ts';

const data = new Uint8Array();

/** `tick:5 tick:5 run.rewound:5`: types and fences, seqs counted. */
function log(text: string): StoredEvent[] {
  return text.split(' ').map((word, i) => {
    const [type = '', fence = '0'] = word.split(':');
    return { seq: i + 1, fence: Number(fence), type, at: i, data };
  });
}

function readerOf(
  first: string,
  after = 0,
): { readonly replace: (text: string) => void; readonly page: () => Promise<number[]> } {
  let events = log(first);
  const store: Pick<RunStore, 'events'> = {
    events: (params) =>
      Promise.resolve(events.filter(({ seq }) => seq > params.after).slice(0, params.limit)),
  };
  const reader = new EventReader(store as RunStore, 'run', after);
  return {
    replace: (text) => (events = log(text)),
    page: async () => (await reader.page()).map(({ seq }) => seq),
  };
}

test('reads on where it was', async () => {
  const { page, replace } = readerOf('a:0 b:1 c:1');
  expect(await page()).toEqual([1, 2, 3]);
  expect(await page()).toEqual([]);
  replace('a:0 b:1 c:1 d:1 e:2');
  expect(await page()).toEqual([4, 5]);
});

test('begins where it was told, and pages', async () => {
  const long = Array.from({ length: 1_200 }, () => 'a:1').join(' ');
  const { page } = readerOf(long, 100);
  expect((await page())[0]).toBe(101);
  expect((await page())[0]).toBe(601);
  expect((await page()).at(-1)).toBe(1_200);
  expect(await page()).toEqual([]);
});

test('waits while the log is only shorter', async () => {
  const { page, replace } = readerOf('a:0 b:1 c:1 d:1');
  await page();
  replace('a:0 b:1');
  expect(await page()).toEqual([]);
  replace('a:0 b:1 run.rewound:1');
  expect(await page()).toEqual([3]);
  expect(await page()).toEqual([]);
});

test('goes back when the log has grown again beyond where it was', async () => {
  const { page, replace } = readerOf('a:0 b:1 c:1 d:1');
  await page();
  replace('a:0 b:1 run.rewound:1 run.claimed:2 c:2 d:2');
  expect(await page()).toEqual([3, 4, 5, 6]);
  replace('a:0 b:1 run.rewound:1 run.claimed:2 c:2 d:2 e:2');
  expect(await page()).toEqual([7]);
});

test('goes back to a new owner where nobody was left to say what was lost', async () => {
  const { page, replace } = readerOf('a:0 b:1 c:1 d:1');
  await page();
  replace('a:0 b:1 run.interrupted:2 run.claimed:3 c:3');
  expect(await page()).toEqual([3, 4, 5]);
});

test('goes back twice', async () => {
  const { page, replace } = readerOf('a:0 b:1 c:1 d:1');
  await page();
  replace('a:0 b:1 run.rewound:1 run.claimed:2 c:2 d:2');
  await page();
  replace('a:0 b:1 run.rewound:1 run.claimed:2 run.rewound:2 run.claimed:3 c:3');
  expect(await page()).toEqual([5, 6, 7]);
});
