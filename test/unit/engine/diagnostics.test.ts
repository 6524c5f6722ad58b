// Goal: what happens in a process is told on channels that anybody can listen to, and costs nothing when nobody does.
import { channel } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { type Diagnostics, listen, tell } from '../../../src/engine/diagnostics.ts';
import { memoryPawl } from '../../support/memory.ts';

const names = [
  ...(['run:started', 'run:claimed', 'run:committed', 'run:released'] as const),
  ...(['step:ended', 'worker:lost', 'wake-up:sent'] as const),
] satisfies (keyof Diagnostics)[];

test('the life of a run is told, in order', async () => {
  const heard: [string, Record<string, unknown>][] = [];
  const stops = names.map((name) => listen(name, (message) => heard.push([name, { ...message }])));
  try {
    await using pawl = memoryPawl().pawl;
    const lively = defineWorkflow({
      name: 'lively',
      async run(ctx) {
        await ctx.step('first', () => 1);
        await ctx.step(
          'second',
          ({ attempt }) => {
            if (attempt < 2) throw new Error('not yet');
            return 2;
          },
          { retry: { attempts: 2, delay: 1 } },
        );
        await ctx.step('third', () => Promise.reject(new Error('never')));
      },
    });
    // Reducers are timed, and on a busy machine they seem to take long enough for a snapshot.
    const worker = pawl.worker({ workflows: [lively], replayBudgetMs: 10_000 });
    const run = await pawl.start(lively, undefined);
    await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('never');
    const mine = heard.filter(([, message]) => message['run'] === run.id);
    expect(mine.map(([name, { step, outcome, how }]) => [name, step ?? how, outcome])).toEqual([
      ['run:started', undefined, undefined],
      ['run:claimed', undefined, undefined],
      ['run:committed', undefined, undefined],
      ['step:ended', 'first', 'completed'],
      ['run:committed', undefined, undefined],
      ['step:ended', 'second', 'retried'],
      ['run:committed', undefined, undefined],
      ['step:ended', 'second', 'completed'],
      ['run:committed', undefined, undefined],
      ['step:ended', 'third', 'failed'],
      ['run:committed', undefined, undefined],
      ['run:released', 'failed', undefined],
    ]);
    const { fence } = await run.info();
    for (const [name, message] of mine.slice(1)) {
      expect(message, name).toMatchObject({ workflow: 'lively', worker: worker.id, fence });
    }
    expect(mine.at(-1)?.[1]['error']).toMatchObject({ code: 'PAWL_STEP_FAILED' });
    expect(mine[2]?.[1]).toMatchObject({ seq: 3, events: 1, withSnapshot: false });
  } finally {
    for (const stop of stops) stop();
  }
});

test('a message is made only for who listens', () => {
  const make = (): never => {
    throw new Error('made for nobody');
  };
  tell('run:started', make);
  const stop = listen('run:started', () => undefined);
  expect(() => tell('run:started', make)).toThrow('made for nobody');
  stop();
  tell('run:started', make);
  expect(channel('pawl:run:started').hasSubscribers).toBe(false);
});
