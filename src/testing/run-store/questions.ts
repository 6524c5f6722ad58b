/** Questions to runs: they are bounded, wake a parked run, are replied to by the owner alone, and end by themselves. */
import { questionsMax } from '../../core/questions.ts';
import type { RunStore } from '../../core/store.ts';
import { idleRuns, released } from './messages.ts';
import {
  bytes,
  claimed,
  claiming,
  commit,
  committed,
  created,
  dueOf,
  farMs,
  held,
  interruption,
  newId,
  parking,
  plain,
  type RunStoreTest,
  type RunStoreTheme,
} from './opened.ts';

const since = 1_700_000_000_000;
const forGo = { kind: 'signal', name: 'go', on: ['go'], since } as const;

function asking(run: string, params: object = {}) {
  return { run, id: newId('q'), name: 'progress', data: bytes('what?'), forMs: farMs, ...params };
}

function replying(id: string, said = 'this') {
  return { id, data: bytes(said), keepMs: farMs };
}

async function openOf(store: RunStore, run: string): Promise<readonly string[]> {
  return (await store.questions.open(run)).map(({ id }) => id);
}

function putting(test: RunStoreTest): void {
  test('a question stays open until the owner replies, over owners', async ({ store, expect }) => {
    const first = await held(store);
    const run = first.id;
    const question = asking(run);
    expect(await store.questions.put(question)).toMatchObject({ outcome: 'asked', woken: false });
    expect(await store.questions.put(question)).toMatchObject({ outcome: 'asked' });
    const [open] = await store.questions.open(run);
    expect(plain(open)).toMatchObject({ id: question.id, name: 'progress' });
    expect(await store.questions.readReply(run, question.id)).toBe(undefined);
    await store.fleet.interrupt(interruption(first.worker));
    const late = { ...first.ownership, ...replying(question.id) };
    expect(await store.questions.reply(late)).toBe('fenced');
    const second = await claimed(store, run);
    expect(second.asked).toBe(true);
    const reply = { ...second.ownership, ...replying(question.id) };
    expect(await store.questions.reply(reply)).toBe('replied');
    expect(await store.questions.reply(reply)).toBe('gone');
    expect(await openOf(store, run)).toEqual([]);
    expect(plain(await store.questions.readReply(run, question.id))).toEqual(plain(bytes('this')));
    expect(await store.questions.readReply(run, 'other')).toBe(undefined);
  });

  test('nothing is written to the log, and nobody is told of an end', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const before = await store.record(id);
    const question = asking(id);
    await store.questions.put(question);
    await store.questions.reply({ ...ownership, ...replying(question.id) });
    expect(await store.record(id)).toEqual(before);
  });

  test('no more are open than the limit says, and each that is withdrawn makes room', async (opened) => {
    const { store, expect } = opened;
    const { id } = await held(store);
    const all = Array.from({ length: questionsMax }, () => asking(id));
    for (const one of all) await store.questions.put(one);
    expect(await store.questions.put(asking(id))).toEqual({ outcome: 'full' });
    expect(await store.questions.put(all[0] ?? asking(id))).toMatchObject({ outcome: 'asked' });
    await store.questions.withdraw(id, all[0]?.id ?? '');
    expect(await store.questions.put(asking(id))).toMatchObject({ outcome: 'asked' });
  });

  test('a run that is over, paused, quarantined or gone is not asked', async ({
    store,
    expect,
  }) => {
    for (const status of ['completed', 'quarantined'] as const) {
      const run = await released(
        store,
        status === 'completed'
          ? { status, output: bytes(''), keepMs: farMs }
          : { status, error: bytes('') },
      );
      expect(await store.questions.put(asking(run))).toEqual({ outcome: 'ended', status });
    }
    const run = await created(store);
    await store.pause(run, bytes('why'));
    expect(await store.questions.put(asking(run))).toEqual({ outcome: 'paused' });
    expect(await store.questions.put(asking(newId('none')))).toEqual({ outcome: 'missing' });
    expect(await openOf(store, run)).toEqual([]);
  });

  test('it goes with its run', async ({ store, expect }) => {
    const run = await created(store);
    await store.questions.put(asking(run));
    await store.delete(run);
    expect(await openOf(store, run)).toEqual([]);
  });
}

function waking(test: RunStoreTest): void {
  test('a parked run is woken, and one that may not begin yet is not', async ({
    store,
    expect,
  }) => {
    const run = await released(store, parking({ waits: [forGo] }));
    expect(await store.questions.put(asking(run))).toMatchObject({ outcome: 'asked', woken: true });
    expect((await dueOf(store, run))?.run).toBe(run);
    expect((await claimed(store, run)).asked).toBe(true);
    const retry = { kind: 'retry', name: '', until: since + farMs, since } as const;
    const pausing = parking({ why: 'retry', waits: [retry], wakeMs: farMs });
    for (const one of [await released(store, pausing), await created(store, { delayMs: farMs })]) {
      expect(await store.questions.put(asking(one))).toMatchObject({ woken: false });
      expect(await store.claim(claiming(one))).toEqual({
        outcome: 'notClaimable',
        status: 'waiting',
      });
    }
  });

  test('a run does not park over an open question', async ({ store, expect }) => {
    const { id, ownership } = await held(store);
    const question = asking(id);
    await store.questions.put(question);
    const release = parking({ waits: [forGo] });
    expect(await store.commit(commit(ownership, { release }))).toEqual({
      outcome: 'unread',
      asked: true,
    });
    await store.questions.reply({ ...ownership, ...replying(question.id) });
    await committed(store, ownership, { release });
  });

  test('one whose time is over keeps nothing from parking', async ({ store, expect, advance }) => {
    const { id, ownership } = await held(store);
    await store.questions.put(asking(id, { forMs: 20 }));
    await advance(60);
    await committed(store, ownership, { release: parking({ waits: [forGo] }) });
    expect(await store.questions.put(asking(id))).toMatchObject({ woken: true });
    expect(await openOf(store, id)).toHaveLength(1);
  });

  test('runs that nobody holds may be asked, and whoever takes one finds the question', async (opened) => {
    const { store, expect } = opened;
    for (const { id, what } of await idleRuns(store)) {
      const { status } = (await store.record(id)) ?? {};
      if (status === 'quarantined') continue;
      const question = asking(id);
      expect((await store.questions.put(question)).outcome, what).toBe('asked');
      expect(await openOf(store, id), what).toEqual([question.id]);
    }
  });
}

export const questionsTheme: RunStoreTheme = { name: 'questions', parts: [putting, waking] };
