// Goal: retention deletes, by rules or by itself, what it should and nothing else, and never what nobody archived. Method:
// the memory store on a clock that the test moves.
import { describe, expect, test } from 'vitest';
import { defineWorkflow, InvalidError, PawlError } from 'pawl';
import type { Pawl, RetentionReport } from 'pawl';
import { ManualClock, openInMemory } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { linesOf } from '../../../support/moving.ts';

const day = 86_400_000;

function ending(name: string, times: object = {}) {
  return defineWorkflow({
    name,
    input: z.enum(['completed', 'failed']),
    run(_, how) {
      if (how === 'failed') throw new Error('on purpose');
      return how;
    },
    ...times,
  });
}

const [one, other] = [ending('one'), ending('other')];

/** Runs that ended on days 0 … 5, the last of them now; ids tell workflow, status and day. */
async function history(): Promise<{ pawl: Pawl; close: () => Promise<void>; clock: ManualClock }> {
  const clock = new ManualClock();
  const pawl = openInMemory({ clock });
  pawl.worker({ workflows: [one, other], keepMs: 1_000 * day });
  for (let at = 0; at <= 5; at++) {
    if (at > 0) await clock.advance('1d');
    for (const workflow of [one, other]) {
      for (const how of ['completed', 'failed'] as const) {
        await pawl.start(workflow, how, { id: `${workflow.name}-${how}-${at}` });
      }
    }
    await clock.advance('1s');
  }
  return { pawl, clock, close: () => pawl.close() };
}

async function left(pawl: Pawl): Promise<string[]> {
  return (await pawl.list({ limit: 500 })).runs.map(({ id }) => id).sort();
}

function ids({ runs }: RetentionReport): string[] {
  return runs.map(({ run }) => run).sort();
}

describe('rules', () => {
  test('delete by age and count, for each workflow and status', async () => {
    const { pawl, close } = await history();
    const all = await left(pawl);
    expect(all).toHaveLength(24);
    const report = await pawl.retain({
      rules: [
        { workflow: 'one', status: 'completed', olderThan: '3.5d' },
        { status: 'failed', keepNewest: 4 },
        // Spared by one of the two: the newest two, and those of the last days.
        { workflow: 'other', status: 'completed', keepNewest: 2, olderThan: '4.5d' },
      ],
    });
    const gone = [
      'one-completed-0',
      'one-completed-1',
      'one-failed-0',
      'one-failed-1',
      'other-completed-0',
      'other-failed-0',
      'other-failed-1',
    ];
    expect(ids(report)).toEqual(gone);
    expect(report.runs.every(({ outcome }) => outcome === 'done')).toBe(true);
    expect(await left(pawl)).toEqual(all.filter((id) => !gone.includes(id)));
    await close();
  });

  test('a dry run says the same and does nothing', async () => {
    const { pawl, close } = await history();
    const policy = { rules: [{ keepNewest: 5 }, { olderThan: '2d' } as const] };
    const said = await pawl.retain(policy, { dryRun: true });
    expect(said.runs.every(({ outcome }) => outcome === 'would')).toBe(true);
    expect(await left(pawl)).toHaveLength(24);
    const done = await pawl.retain(policy);
    expect(ids(done)).toEqual(ids(said));
    expect(await left(pawl)).toHaveLength(24 - said.runs.length);
    await close();
  });

  test('a limit ends it early, and the next call goes on', async () => {
    const { pawl, close } = await history();
    const policy = { rules: [{ keepNewest: 0 }] };
    const counts: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const { runs, more } = await pawl.retain(policy, { limit: 10 });
      counts.push([runs.length, more]);
    }
    expect(counts).toEqual([
      [10, true],
      [10, true],
      [4, false],
    ]);
    expect(await left(pawl)).toEqual([]);
    await close();
  });

  test.each<[string, object]>([
    ['all runs', {}],
    ['a status that lives', { status: 'running', olderThan: '1d' }],
    ['no time', { olderThan: 'soon' }],
    ['a count below nothing', { keepNewest: -1 }],
    ['an expiry of nothing', { action: { checkpoints: {} } }],
  ])('are refused when they name %s', async (_name, rule) => {
    const { pawl } = memoryPawl();
    await using _ = pawl;
    await expect(pawl.retain({ rules: [rule] })).rejects.toBeInstanceOf(PawlError);
  });
});

describe('the archive', () => {
  async function ended() {
    const { pawl, store } = memoryPawl();
    pawl.worker({ workflows: [one] });
    const run = await pawl.start(one, 'failed', { id: 'kept' });
    await expect(run.result()).rejects.toThrow();
    return { pawl, store, run, policy: { rules: [{ keepNewest: 0 }] } };
  }

  test('has the whole run before it is deleted', async () => {
    const { pawl, policy } = await ended();
    await using _ = pawl;
    const exported = await linesOf(pawl.export('kept'));
    const kept: string[][] = [];
    await pawl.retain(policy, {
      archive: async (lines, info) => {
        expect(info).toMatchObject({ id: 'kept', status: 'failed' });
        kept.push(await linesOf(lines));
        expect(await left(pawl)).toEqual(['kept']);
      },
    });
    expect(kept).toEqual([exported]);
    expect(await left(pawl)).toEqual([]);
  });

  test.each([
    ['fails', () => Promise.reject(new Error('disk full')), 'disk full'],
    ['does not read to the end', () => Promise.resolve(), 'did not read all'],
  ])('that %s keeps the run', async (_name, archive, why) => {
    const { pawl, policy } = await ended();
    await using _ = pawl;
    const report = await pawl.retain(policy, { archive });
    expect(report.runs[0]).toMatchObject({ outcome: 'failed', run: 'kept' });
    expect(report.runs[0]?.error?.message).toContain(why);
    expect(await left(pawl)).toEqual(['kept']);
  });

  test('a run that is retried while it is archived stays', async () => {
    const { pawl, run, policy } = await ended();
    await using _ = pawl;
    const report = await pawl.retain(policy, {
      archive: async (lines) => {
        await linesOf(lines);
        await run.resume();
      },
    });
    expect(report.runs[0]).toMatchObject({ outcome: 'changed' });
    expect(await left(pawl)).toEqual(['kept']);
  });

  test('a crash behind it archives once more, and then deletes', async () => {
    const { pawl, store, policy } = await ended();
    await using _ = pawl;
    const archived: number[] = [];
    const archive = async (lines: AsyncIterable<string>): Promise<void> => {
      archived.push((await linesOf(lines)).length);
    };
    const remove = store.archive.remove.bind(store.archive);
    store.archive.remove = () => Promise.reject(new Error('the process is gone'));
    await pawl.retain(policy, { archive });
    expect(await left(pawl)).toEqual(['kept']);
    store.archive.remove = remove;
    await pawl.retain(policy, { archive });
    expect(archived).toHaveLength(2);
    expect(archived[0]).toBe(archived[1]);
    expect(await left(pawl)).toEqual([]);
    await pawl.retain(policy, { archive });
    expect(archived).toHaveLength(2);
  });
});

describe('runs that have ended are kept', () => {
  async function daysKept(
    how: 'completed' | 'failed',
    times: { readonly own?: object; readonly workers?: object },
  ): Promise<number> {
    const clock = new ManualClock();
    const pawl = openInMemory({ clock });
    const workflow = ending('timed', times.own === undefined ? {} : { retention: times.own });
    const retention = times.workers === undefined ? {} : { retention: times.workers };
    pawl.worker({ workflows: [workflow], ...retention });
    await pawl.start(workflow, how, { id: 'timed' });
    await clock.advance('1s');
    let days = 0;
    while (days < 50 && (await left(pawl)).length > 0) {
      await clock.advance('1d');
      days += 1;
    }
    await pawl.close();
    return days;
  }

  test.each([
    ['7 days where nothing is said', 'completed', {}, 7],
    ['as the worker says', 'failed', { workers: { completed: '1d', failed: '9d' } }, 9],
    ['as the workflow says', 'failed', { own: { failed: '3d' }, workers: { failed: '9d' } }, 3],
    [
      'as the worker says where the workflow does not',
      'completed',
      { own: { failed: '3d' }, workers: { completed: '2d' } },
      2,
    ],
    ['for ever', 'completed', { own: { completed: 'forever' } }, 50],
  ] as const)('%s', async (_, how, times, days) => {
    expect(await daysKept(how, times)).toBe(days);
  });

  test('a policy that makes no sense is refused', () => {
    expect(() => ending('bad', { retention: { completed: 'later' } })).toThrow(InvalidError);
    expect(() => ending('bad', { retention: { running: '1d' } })).toThrow(InvalidError);
    expect(() => ending('bad', { expireCheckpoints: {} })).toThrow('keepNewest');
  });
});
