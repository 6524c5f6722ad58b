import {
  type CheckpointerTest,
  type CheckpointerTheme,
  eventsOf,
  failure,
  newRun,
} from './opened.ts';

function saving(test: CheckpointerTest): void {
  test('events get dense seqs, the fence, the time and their branch', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const first = claim.seq + 1;
    expect(await claim.saveEvent({ type: 'page.read', data: { i: 0 }, branch: 'left' })).toBe(
      first,
    );
    expect(await claim.saveEvents([{ type: 'a' }, { type: 'b' }])).toEqual([first + 1, first + 2]);
    expect(await claim.saveEvents([])).toEqual([]);
    const events = await eventsOf(checkpointer, run);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    const { at, ...event } = events[first - 1] ?? {};
    expect(event).toEqual({
      seq: first,
      type: 'page.read',
      data: { i: 0 },
      fence: claim.fence,
      branch: 'left',
    });
    expect(Math.abs((at?.getTime() ?? 0) - (events[0]?.at.getTime() ?? 0))).toBeLessThan(60_000);
    expect('branch' in (events[first] ?? {})).toBe(false);
  });

  test('saves that overlap are stored in the order they were made', async (opened) => {
    const { checkpointer, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const first = claim.seq + 1;
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    const seqs = await Promise.all(numbers.map((i) => claim.saveEvent({ type: 'n', data: i })));
    expect(seqs).toEqual(numbers.map((i) => first + i));
    const events = await eventsOf(checkpointer, run, { since: first - 1 });
    expect(events.map(({ data }) => data)).toEqual(numbers);
  });

  test('what a call was given is stored as it was then', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const data = { n: 1 };
    const state = { list: [1] };
    const saved = [claim.saveEvent({ type: 'a', data }), claim.saveSnapshot(state)];
    data.n = 2;
    state.list.push(2);
    await Promise.all(saved);
    expect((await eventsOf(checkpointer, run)).at(-1)?.data).toEqual({ n: 1 });
    expect((await checkpointer.loadLatest(run))?.state).toEqual({ list: [1] });
  });

  test('of events saved together all are stored, or none', async ({ checkpointer, expect }) => {
    const run = newRun();
    const claim = await checkpointer.claim(run);
    const { seq } = claim;
    const good = { type: 'good' };
    const attempts = [
      ['PAWL_INVALID', [good, { type: 'run.mine' }]],
      ['PAWL_INVALID', [good, { type: '' }]],
      ['PAWL_UNSTORABLE', [good, { type: 'bad', data: { f: () => 1 } }]],
      ['PAWL_LIMIT', [good, { type: 'large', data: 'x'.repeat(300 * 1024) }]],
      ['PAWL_LIMIT', Array.from({ length: 257 }, () => good)],
    ] as const;
    for (const [code, events] of attempts) {
      expect((await failure(claim.saveEvents(events))).code).toBe(code);
    }
    expect((await checkpointer.info(run))?.seq).toBe(seq);
    expect(await claim.saveEvent(good)).toBe(seq + 1);
  });
}

function reading(test: CheckpointerTest): void {
  test('events are listed from any seq, as many as asked for', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    for (let i = 0; i < 5; i++) {
      await claim.saveEvents(Array.from({ length: 150 }, (_, n) => ({ type: 'n', data: n })));
      if (i === 2) await claim.saveSnapshot({ i });
    }
    const all = await eventsOf(other, run);
    expect(all).toHaveLength(752);
    for (const since of [0, 1, 451, 452, 453, 700, 751, 752, 900]) {
      expect(await eventsOf(other, run, { since }), String(since)).toEqual(all.slice(since));
    }
    expect(await eventsOf(other, run, { since: 10, limit: 600 })).toEqual(all.slice(10, 610));
    expect(await eventsOf(other, run, { since: 10, limit: 0 })).toEqual([]);
    for (const range of [{ since: -1 }, { since: 0.5 }, { limit: -1 }]) {
      expect((await failure(eventsOf(other, run, range))).code).toBe('PAWL_INVALID');
    }
  });

  test('the events after the snapshot are the own ones, however many', async (opened) => {
    const { checkpointer, other, expect } = opened;
    const run = newRun();
    const claim = await checkpointer.claim(run);
    await claim.saveEvent({ type: 'before' });
    await claim.saveSnapshot({ n: 0 }, { checkpoint: {} });
    for (let i = 0; i < 4; i++) {
      await claim.saveEvents(Array.from({ length: 150 }, (_, n) => ({ type: 'n', data: n })));
    }
    const again = await other.claim(run);
    expect(again.events).toHaveLength(600);
    expect(again.events.every(({ type }) => type === 'n')).toBe(true);
    const latest = await checkpointer.loadLatest(run);
    expect(latest).toEqual({ state: { n: 0 }, version: 1, seq: again.seq, events: again.events });
  });
}

export const eventsTheme: CheckpointerTheme = { name: 'events', parts: [saving, reading] };
