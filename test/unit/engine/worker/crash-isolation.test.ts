// Goal: whatever kills a worker during the turn of a suspect has no other suspect beside it, and no worker stands still for
// it. Method: executions made of promises, on a clock that is moved by hand; what has begun is listed in order.
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CrashIsolation } from '../../../../src/engine/worker/crash-isolation.ts';
import { ManualClock } from '../../../../src/testing/manual-clock.ts';

interface Played {
  readonly prove: () => void;
  readonly end: () => void;
}

function stage() {
  const clock = new ManualClock();
  const isolation = new CrashIsolation(clock);
  const begun: string[] = [];
  const play = (name: string, losses = 0): Played => {
    const [proven, ended] = [new AbortController(), new AbortController()];
    const execute = (): Promise<unknown> => {
      begun.push(name);
      return once(ended.signal, 'abort');
    };
    void isolation.run({ losses }, execute, once(proven.signal, 'abort'));
    return { prove: () => proven.abort(), end: () => ended.abort() };
  };
  return { clock, isolation, begun, play };
}

test('runs that nothing is held against begin at once, side by side', async () => {
  const { begun, play } = stage();
  play('a');
  play('b');
  await turn();
  expect(begun).toEqual(['a', 'b']);
});

test('one death is an accident: its runs go on side by side, however long their first steps', async () => {
  const { begun, play } = stage();
  for (const name of ['a', 'b', 'c']) play(name, 1);
  await turn();
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('a suspect begins when nothing beside it is without progress', async () => {
  const { begun, play } = stage();
  const proven = play('proven');
  const over = play('over');
  await turn();
  play('suspect', 2);
  await turn();
  expect(begun).toEqual(['proven', 'over']);
  proven.prove();
  await turn();
  expect(begun).toEqual(['proven', 'over']);
  over.end();
  await turn();
  expect(begun).toEqual(['proven', 'over', 'suspect']);
});

test.each(['prove', 'end'] as const)('nothing begins beside a suspect until: %s', async (how) => {
  const { begun, play } = stage();
  const suspect = play('suspect', 2);
  await turn();
  play('innocent');
  play('other suspect', 2);
  await turn();
  expect(begun).toEqual(['suspect']);
  suspect[how]();
  await turn();
  expect(begun).toEqual(['suspect', 'innocent']);
});

test('the one with the most losses goes first, and others in the order they came', async () => {
  const { begun, play } = stage();
  const first = play('first', 2);
  await turn();
  const [second, worst] = [play('second', 2), play('worst', 3), play('third', 2)];
  await turn();
  for (const { end } of [first, worst, second]) {
    end();
    await turn();
  }
  expect(begun).toEqual(['first', 'worst', 'second', 'third']);
});

test.each([
  [2, 8],
  [3, 2],
  [4, 1],
  [9, 1],
])(
  'after %i losses, %i begin in one turn, and the next when all have gone on',
  async (losses, size) => {
    const { begun, play } = stage();
    const first = play('first', 2);
    await turn();
    const names = Array.from({ length: 2 * size }, (_, i) => `s${i}`);
    const played = names.map((name) => play(name, losses));
    await turn();
    first.prove();
    await turn();
    expect(begun).toEqual(['first', ...names.slice(0, size)]);
    for (const { prove } of played.slice(1, size)) prove();
    await turn();
    expect(begun).toHaveLength(1 + size);
    played[0]?.end();
    await turn();
    expect(begun).toEqual(['first', ...names]);
  },
);

test('between two turns others may begin, so that many suspects do not hold them up', async () => {
  const { begun, play } = stage();
  const first = play('first', 2);
  await turn();
  play('second', 2);
  const innocent = play('innocent');
  await turn();
  first.prove();
  await turn();
  expect(begun).toEqual(['first', 'innocent']);
  innocent.prove();
  await turn();
  expect(begun).toEqual(['first', 'innocent', 'second']);
});

test('a turn ends after half a minute, and so does the wait for room', async () => {
  const { begun, play, clock } = stage();
  play('long');
  await turn();
  play('suspect', 2);
  await clock.advance(29_999);
  expect(begun).toEqual(['long']);
  await clock.advance(1);
  expect(begun).toEqual(['long', 'suspect']);
  play('innocent');
  await clock.advance(29_999);
  expect(begun).toEqual(['long', 'suspect']);
  await clock.advance(1);
  expect(begun).toEqual(['long', 'suspect', 'innocent']);
});

test('a turn ends with its suspect, whatever else is still without progress', async () => {
  const { begun, play, clock } = stage();
  play('long');
  await turn();
  const suspect = play('suspect', 2);
  await clock.advance(30_000);
  suspect.end();
  play('innocent');
  await turn();
  expect(begun).toEqual(['long', 'suspect', 'innocent']);
});

test('a worker that closes lets everybody begin, and from then on at once', async () => {
  const { begun, play, isolation } = stage();
  play('suspect', 2);
  await turn();
  play('other suspect', 2);
  play('innocent');
  await turn();
  isolation.close();
  await turn();
  expect(begun.sort()).toEqual(['innocent', 'other suspect', 'suspect']);
  play('late suspect', 2);
  await turn();
  expect(begun).toContain('late suspect');
});

test('an execution that fails is over as well, and its failure is the caller’s', async () => {
  const { isolation, begun, play } = stage();
  const failing = isolation.run(
    { losses: 2 },
    () => Promise.reject(new Error('broken')),
    new Promise(() => undefined),
  );
  await expect(failing).rejects.toThrow('broken');
  play('suspect', 2);
  await turn();
  expect(begun).toEqual(['suspect']);
});
