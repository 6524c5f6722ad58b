// Goal: what a run gives out is the same for every reader, whatever dies. Method: worker processes, ten of which are killed
// in the middle of a step that gives out lines; three readers at different places, and the store as the witness.
import { afterEach, expect, inject, test } from 'vitest';
import type { OutputChunk, Pawl } from 'pawl';
import { misplacedChunks } from '../../src/testing/crash-test/given-out.ts';
import { killChildren } from '../support/child.ts';
import { talking } from '../support/workflows.ts';
import { newPrefix, openPawl, startWorker } from '../support/workers.ts';

afterEach(killChildren);

const kills = 10;
const count = 12;
const parts = kills + 1;

/** Every chunk as bytes, so that nothing of it is left out of the comparison. */
async function read(pawl: Pawl, run: string, from: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const chunk of pawl.run(run).output({ from })) lines.push(JSON.stringify(chunk));
  return lines;
}

test(
  'three readers at different places get the same bytes while the producer is killed ten times',
  { timeout: 180_000 },
  async () => {
    const setup = { url: inject('redisUrl'), prefix: newPrefix() };
    await using pawl = await openPawl(setup.url, setup.prefix);
    await using other = await openPawl(setup.url, setup.prefix);
    for (let started = 0; started <= kills; started += 1) await startWorker(setup);
    const run = await pawl.start(talking, { parts, count, paceMs: 25 });
    const early = [read(pawl, run.id, 1), read(other, run.id, 40)];
    let late: Promise<string[]> | undefined;

    // In each part but the last, the process that gives it out dies behind its sixth line.
    let part = 0;
    for await (const { value } of run.output()) {
      if (part === kills || value.part !== part || value.i !== 5) continue;
      process.kill(value.pid, 'SIGKILL');
      part += 1;
      if (part === kills / 2) late = read(other, run.id, 1);
    }
    expect(part).toBe(kills);
    expect(await run.result({ timeoutMs: 30_000 })).toEqual({ parts });
    expect((await run.info()).takeovers).toBe(kills);

    const [all = [], behind = []] = await Promise.all(early);
    expect(await late).toEqual(all);
    expect(behind).toEqual(all.slice(39));
    expect(await read(other, run.id, 1)).toEqual(all);

    const chunks = all.map((line) => JSON.parse(line) as OutputChunk<'default', { i: number }>);
    expect(misplacedChunks(chunks)).toEqual([]);
    // Each epoch in the place of the one before it: every part is whole, and said by one process.
    const left = new Map<string, (typeof chunks)[number][]>();
    for (const chunk of chunks) {
      if (chunk.begins) left.set(chunk.step, []);
      left.get(chunk.step)?.push(chunk);
    }
    expect([...left.keys()]).toEqual(Array.from({ length: parts }, (_, i) => `part:${i}`));
    for (const [step, said] of left) {
      expect(
        said.map(({ value }) => value.i),
        step,
      ).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(new Set(said.map(({ value }) => (value as unknown as { pid: number }).pid)).size).toBe(
        1,
      );
    }
  },
);
