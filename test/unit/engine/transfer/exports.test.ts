// Goal: an export tells all of a run, readably, and today's code can be rehearsed on it. Method: the memory store.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defineWorkflow, type Pawl, type Rehearsal } from 'pawl';
import { z } from 'zod';
import { encode } from '../../../../src/core/codec.ts';
import { fromTagged, toTagged } from '../../../../src/core/tagged-json.ts';
import { fromPortable, toPortable } from '../../../../src/engine/transfer/portable.ts';
import { memoryPawl } from '../../../support/memory.ts';
import { linesOf, reading } from '../../../support/moving.ts';

async function waitingRun(pawl: Pawl, id: string): Promise<void> {
  const run = await pawl.start(reading, { pages: 2 }, { id, tags: { tenant: 'acme' } });
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
}

const what = ({ checked, problems }: Rehearsal): unknown => [
  checked,
  problems.map(({ run, status, error }) => [run, status, error.code, error.message]),
];

const parsed = (lines: readonly string[]): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>);

test('an export has everything of a run, in lines that people can read', async () => {
  await using pawl = memoryPawl().pawl;
  const worker = pawl.worker({ workflows: [reading] });
  await waitingRun(pawl, 'r1');
  await worker.close();
  await pawl.run(reading, 'r1').signal('go', { by: 'kim' }, { id: 's1' });
  const lines = await linesOf(pawl.export('r1'));
  const objects = parsed(lines);
  expect(objects[0]).toEqual({ kind: 'pawl-export', version: 1 });
  expect(objects[1]).toMatchObject({
    kind: 'run',
    id: 'r1',
    workflow: 'reading',
    status: 'waiting',
    input: { pages: 2 },
    tags: { tenant: 'acme' },
  });
  const { seq } = await pawl.run('r1').info();
  const events = objects.filter(({ kind }) => kind === 'event');
  expect(events.map((event) => event['seq'])).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
  expect(events.find(({ type }) => type === 'step.completed')).toMatchObject({
    data: { name: 'read:1', result: { $encoded: { words: 10, on: { $set: [1] } } } },
  });
  const checkpoints = objects.filter(({ kind }) => kind === 'checkpoint');
  expect(checkpoints.map(({ label }) => label)).toEqual(['page 1', 'page 2']);
  expect(checkpoints[1]).toMatchObject({ metadata: { page: 2 }, set: { 'state:page': 2 } });
  // What has not changed since the checkpoint before is not told again.
  expect(checkpoints[1]?.['set']).not.toHaveProperty('step:read:1');
  expect(objects.find(({ kind }) => kind === 'message')).toMatchObject({
    id: 's1',
    about: 'signal',
    name: 'go',
    data: { by: 'kim' },
  });
  expect(objects.find(({ kind }) => kind === 'seen')).toMatchObject({ run: 'r1', ids: ['s1'] });
  expect(objects.at(-2)).toMatchObject({
    kind: 'end',
    run: 'r1',
    events: seq,
    checkpoints: 2,
    messages: 1,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  expect(objects.at(-1)).toEqual({ kind: 'complete', runs: 1 });
  expect(await linesOf(pawl.export('r1'))).toEqual(lines);
  await expect(linesOf(pawl.export('none'))).rejects.toMatchObject({ code: 'PAWL_RUN_NOT_FOUND' });
});

test('the runs of a list are exported together', async () => {
  await using pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [reading] });
  for (const id of ['a', 'b', 'c']) await waitingRun(pawl, id);
  await pawl.run('b').cancel();
  await expect.poll(async () => (await pawl.run('b').info()).status).toBe('cancelled');
  const runs = async (query: object): Promise<unknown[]> =>
    parsed(await linesOf(pawl.export(query)))
      .filter(({ kind }) => kind === 'run')
      .map(({ id }) => id);
  expect((await runs({})).length).toBe(3);
  expect(await runs({ status: 'cancelled' })).toEqual(['b']);
  expect(await runs({ tag: { key: 'tenant', value: 'other' } })).toEqual([]);
});

test('an export is rehearsed as the runs themselves are', async () => {
  await using pawl = memoryPawl().pawl;
  pawl.worker({ workflows: [reading] });
  for (const id of ['a', 'b']) await waitingRun(pawl, id);
  const lines = await linesOf(pawl.export());
  const changed = defineWorkflow({
    name: 'reading',
    state: z.object({ page: z.string().default('') }),
    run: () => undefined,
  });
  const live = await pawl.rehearse([changed]);
  expect(live.problems).toHaveLength(2);
  const exported = await pawl.rehearse([changed], { from: lines });
  expect(what(exported)).toEqual(what(live));
  expect(await pawl.rehearse([reading], { from: lines })).toEqual({ checked: 2, problems: [] });
  await expect(pawl.rehearse([reading], { from: lines.slice(0, -2) })).rejects.toThrow(/cut off/);
  await expect(pawl.rehearse([reading], { from: lines.slice(1) })).rejects.toThrow(/line 1/);
  const broken = [...lines.slice(0, 4), lines[4]?.slice(0, -5) ?? '', ...lines.slice(5)];
  await expect(pawl.rehearse([reading], { from: broken })).rejects.toThrow(/line 5.*not JSON/);
  const missing = lines.filter((line) => !line.includes('"kind":"run"'));
  await expect(pawl.rehearse([reading], { from: missing })).rejects.toThrow(/line 2/);
  await expect(pawl.rehearse([reading], { from: [] })).rejects.toThrow(/empty/);
});

const plainData = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.bigInt(),
      fc.date(),
      fc.uint8Array(),
      fc.constantFrom(null, undefined),
      fc.array(tie('value')),
      fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('$date', '$bytes', '$encoded')),
        tie('value'),
      ),
      fc.array(fc.tuple(fc.string(), tie('value'))).map((entries) => new Map(entries)),
      fc.array(fc.string()).map((items) => new Set(items)),
    ),
  }))
  .value.filter((value) => !JSON.stringify(toTagged(value)).includes('__proto__'));

test('tagged JSON loses nothing of plain data, and payloads come back byte by byte', () => {
  fc.assert(
    fc.property(plainData, (value) => {
      const text = JSON.stringify(toTagged(value));
      const back = fromTagged(JSON.parse(text));
      expect(JSON.stringify(toTagged(back))).toBe(text);
      const bytes = encode(back, 'value', Infinity);
      const portable: unknown = JSON.parse(JSON.stringify(toPortable(bytes)));
      expect(Buffer.from(fromPortable(portable)).equals(bytes)).toBe(true);
    }),
    { numRuns: 500 },
  );
  const unreadable = Uint8Array.from([7, 7, 7]);
  expect(toPortable(unreadable)).toEqual({ $raw: 'BwcH' });
  expect(fromPortable({ $raw: 'BwcH' })).toEqual(unreadable);
});

test('tagged JSON constructs nothing but what it knows', () => {
  for (const foreign of [
    { $class: 'x' },
    { $date: 1 },
    { $map: [1] },
    { $set: 1 },
    { $bigint: {} },
  ]) {
    expect(() => fromTagged(foreign)).toThrow(TypeError);
  }
  expect(() => fromTagged(JSON.parse('{"a":1,"__proto__":{}}'))).toThrow(TypeError);
});
