// Goal: an import whose process is killed leaves each run whole or not at all, and the same import begun anew finishes
// the rest. Method: `pawl runs import` as a process on a private server, fed through a pipe that never tells it the end,
// so that it cannot be done before it is killed; the keys of the server are looked at.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pawl } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { cliEnv, cliMain } from '../support/cli.ts';
import { memoryPawl } from '../support/memory.ts';
import { changed, linesOf, reading, untilStatus } from '../support/moving.ts';

/** Long enough that parts of a run are put aside before its last line comes. */
const pages = 70;
const ids = Array.from({ length: 24 }, (_, i) => `moved-${String(i).padStart(2, '0')}`);

let server: RedisServer;
let redis: Redis;
let target: Pawl;
/** The lines of each run, in the order of `ids`. */
let runs: readonly (readonly string[])[];
const importers = new Set<ChildProcess>();

beforeAll(async () => {
  server = await startRedisServer();
  redis = new Redis(server.url);
  target = await Pawl.open({ redis: server.url });
  const source = memoryPawl().pawl;
  source.worker({ workflows: [reading] });
  await source.start(reading, { pages }, { id: 'original' });
  await untilStatus(source, 'original', 'waiting');
  const original = (await linesOf(source.export())).slice(1, -1);
  await source.close();
  runs = ids.map((id) =>
    changed(original, (line) => (line['kind'] === 'run' ? { ...line, id } : { ...line, run: id })),
  );
});

afterAll(async () => {
  for (const importer of importers) importer.kill('SIGKILL');
  await target.close();
  redis.disconnect();
  await server.stop();
});

const file = (lines: readonly string[], isWhole: boolean): string =>
  [
    '{"kind":"pawl-export","version":1}',
    ...lines,
    isWhole && `{"kind":"complete","runs":${ids.length}}`,
  ]
    .filter((line) => line !== false)
    .join('\n') + '\n';

/** Starts an import; its standard input stays open. */
function importing(text: string): ChildProcess {
  const importer = spawn(process.execPath, [cliMain, 'runs', 'import', '--skip-existing'], {
    env: cliEnv({ PAWL_REDIS: server.url }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  importers.add(importer);
  importer.once('exit', () => importers.delete(importer));
  // Killed, it reads no further.
  importer.stdin?.on('error', () => undefined).write(text);
  return importer;
}

const staged = (): Promise<string[]> => redis.keys('*:stage:*');
const there = async (): Promise<string[]> =>
  (await redis.keys('*:run:moved-*')).map((key) => key.slice(-ids[0]!.length)).toSorted();

async function clients(): Promise<string[]> {
  const list = String(await redis.client('LIST'));
  return [...list.matchAll(/^id=(\d+)/gm)].map(([, id = '']) => id);
}

/** Starts an import, and kills it when it is time. */
async function killed(text: string, isTime: () => Promise<boolean>): Promise<void> {
  const before = new Set(await clients());
  const importer = importing(text);
  while (!(await isTime())) {
    const { exitCode, signalCode } = importer;
    if ((exitCode ?? signalCode) !== null) throw new Error(`ended: ${exitCode ?? signalCode}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  importer.kill('SIGKILL');
  if (importer.signalCode === null) await once(importer, 'exit');
  expect(importer.signalCode).toBe('SIGKILL');
  // What it sent last may still be on its way through the server.
  while ((await clients()).some((id) => !before.has(id)));
}

/** All that is there is as it was written; of the others there is no key but what was put aside, which goes by itself. */
async function expectWhole(whole: readonly string[]): Promise<void> {
  expect(await there()).toEqual(whole);
  for (const id of whole) {
    const lines = (await linesOf(target.export(id))).slice(1, -1);
    expect(lines).toEqual(runs[ids.indexOf(id)]);
  }
  const found = await target.list({ workflow: 'reading', status: 'waiting', limit: ids.length });
  expect(found.runs.map(({ id }) => id).toSorted()).toEqual(whole);
  const missing = ids.filter((id) => !whole.includes(id));
  const aside = await staged();
  const keys = (await redis.keys('*moved-*')).filter((key) => !aside.includes(key));
  expect(keys.filter((key) => missing.some((id) => key.endsWith(id)))).toEqual([]);
  for (const key of aside) {
    const ms = await redis.pttl(key);
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(3_600_000);
  }
}

test('an import that is killed leaves each run whole or not at all; begun anew, it finishes the rest', async () => {
  // In the middle of the fifth run: what came of it so far is put aside.
  const fifth = runs[4] ?? [];
  const half = [...runs.slice(0, 4).flat(), ...fifth.slice(0, -2)];
  const isHalfway = async (): Promise<boolean> =>
    (await there()).length === 4 && (await staged()).length > 0;
  await killed(file(half, false), isHalfway);
  expect(await staged()).not.toEqual([]);
  await expectWhole(ids.slice(0, 4));

  // Wherever it is when nine runs are in.
  await killed(file(runs.flat(), false), async () => (await there()).length >= 9);
  const now = await there();
  expect(now.length).toBeGreaterThanOrEqual(9);
  await expectWhole(ids.slice(0, now.length));

  const last = importing(file(runs.flat(), true));
  last.stdin?.end();
  const [output] = (await once(last.stdout!, 'data')) as [Buffer];
  expect(String(output)).toContain(`${ids.length - now.length} runs imported`);
  expect(await once(last, 'exit')).toEqual([0, null]);
  await expectWhole(ids);
});
