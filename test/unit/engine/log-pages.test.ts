// Goal: whoever replays a long log gets all of it in order, with pages on their way meanwhile, and learns of each hole.
import { expect, test } from 'vitest';
import type { StoredEvent } from '../../../src/core/event.ts';
import { fixedLimits } from '../../../src/core/limits.ts';
import type { LoadedRun, RunStore } from '../../../src/core/store.ts';
import { pagesOf } from '../../../src/engine/log-pages.ts';

const end = 3 * fixedLimits.eventsPerReplay + 7;

/** A log of so many events without those that are `gone`; `cut`: a page has no more than so many. */
class Log {
  readonly calls: string[] = [];
  readonly #gone: ReadonlySet<number>;
  readonly #cut: number;

  constructor({ gone = [], cut = Infinity }: { gone?: readonly number[]; cut?: number }) {
    this.#gone = new Set(gone);
    this.#cut = cut;
  }

  readonly events: RunStore['events'] = async ({ after, limit }) => {
    this.calls.push(`ask ${after}`);
    await Promise.resolve();
    return this.#from(after, Math.min(limit, this.#cut));
  };

  async read(): Promise<number[]> {
    const loaded = { record: { id: 'r', seq: end }, events: this.#from(0, 10) };
    const seqs: number[] = [];
    for await (const page of await pagesOf(this, loaded as unknown as LoadedRun, 0)) {
      this.calls.push(`read ${page[0]?.seq}`);
      for (const { seq } of page) seqs.push(seq);
    }
    return seqs;
  }

  #from(after: number, limit: number): StoredEvent[] {
    const seqs = Array.from({ length: end - after }, (_, i) => after + 1 + i);
    return seqs
      .filter((seq) => !this.#gone.has(seq))
      .slice(0, limit)
      .map((seq) => ({ seq }) as StoredEvent);
  }
}

const all = Array.from({ length: end }, (_, i) => i + 1);

test('two pages are on their way while one is read', async () => {
  const log = new Log({});
  expect(await log.read()).toEqual(all);
  expect(log.calls).toEqual([
    'ask 10',
    'read 1',
    'ask 260',
    'ask 510',
    'read 11',
    'read 261',
    'read 511',
  ]);
});

test('pages that are shorter than was asked for lose nothing', async () => {
  expect(await new Log({ cut: 40 }).read()).toEqual(all);
});

test.each([5, 11, 300, 510, 511, end])('that event %i is missing is an error', async (seq) => {
  await expect(new Log({ gone: [seq] }).read()).rejects.toMatchObject({
    code: 'PAWL_CORRUPT',
    seq,
  });
});
