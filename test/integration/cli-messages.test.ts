// Goal: each message of the command line says what is wrong in words of the command line, and what to do. Method: mistakes
// of a first hour, made on purpose.
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { cliEnv, type Played, playCli } from '../support/cli.ts';
import { newPrefix } from '../support/workers.ts';

const prefix = newPrefix();
const env = (): NodeJS.ProcessEnv =>
  cliEnv({ PAWL_REDIS_URL: inject('redisUrl'), PAWL_PREFIX: prefix });
const cli = (...args: string[]): Promise<Played> => playCli(args, env());

const parent = defineWorkflow({
  name: 'parent',
  run: async (ctx, input) => {
    ctx.progress(0.5);
    const child = await ctx.start(leaf, undefined, { id: 'the-child' });
    return { sum: await child.result(), input };
  },
});
const leaf = defineWorkflow({ name: 'leaf', run: async (ctx) => ctx.step('leaf', () => 7) });
const broken = defineWorkflow({
  name: 'broken',
  run: () => {
    throw new Error('no card');
  },
});

let pawl: Pawl;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-cli-'));
  pawl = await Pawl.open({ redis: inject('redisUrl'), prefix });
  await pawl.worker({ workflows: [parent, leaf, broken] }).ready();
  await (await pawl.start(parent, { order: 7 }, { id: 'family' })).result();
  await (await pawl.start(broken, undefined, { id: 'broke' })).result().catch(() => undefined);
});

afterAll(async () => {
  await pawl.close();
  await rm(folder, { recursive: true, force: true });
});

test('without a Redis: where it was looked for, and which flag names another', async () => {
  const redis = 'redis://ada:pw-7Hq2@127.0.0.1:1';
  const played = await playCli(['runs', 'list', '--redis', redis, '--connect-ms', '300'], cliEnv());
  expect(played).toMatchObject({ code: 5, stdout: '' });
  expect(played.stderr).toContain('No Redis answered at redis://127.0.0.1:1 within 300 ms');
  expect(played.stderr).toContain('--redis');
  expect(played.stderr).not.toMatch(/not applied|docker compose|pw-7Hq2/);
});

test.each([
  ['localhost:99999', cliEnv(), /^--redis is not an address .*redis:\/\/127\.0\.0\.1:6379/],
  ['redis://localhost:99999', cliEnv(), /^--redis is not an address/],
  ['http://localhost', cliEnv(), /^--redis is not an address/],
  ['', cliEnv({ PAWL_REDIS_URL: 'localhost' }), /^Redis of PAWL_REDIS_URL is not an address/],
])('an address that is none (%s) is named by where it came from', async (redis, where, said) => {
  const args = ['runs', 'list', ...(redis === '' ? [] : ['--redis', redis])];
  const played = await playCli(args, where);
  expect(played.code).toBe(2);
  expect(played.stderr).toMatch(said);
});

test('with --json an error is a document on standard error, also of a wrong command', async () => {
  const missing = await cli('runs', 'show', 'nobody', '--json');
  expect(missing).toMatchObject({ code: 3, stdout: '' });
  expect(JSON.parse(missing.stderr)).toEqual({
    error: {
      code: 'PAWL_RUN_NOT_FOUND',
      message: 'There is no run nobody.',
      next: 'pawl runs list shows the runs that are there.',
    },
  });
  for (const args of [
    ['runs', 'lst'],
    ['runs', 'list', '--limit', '0'],
    ['runs', 'cancel'],
  ]) {
    const played = await cli(...args, '--json');
    expect(played.code).toBe(2);
    expect(JSON.parse(played.stderr)).toMatchObject({ error: { code: 'USAGE' } });
  }
  expect(JSON.parse((await cli('runs', 'lst', '--json')).stderr)).toMatchObject({
    error: { message: expect.stringMatching(/^unknown command 'lst'/) },
  });
  const help = await cli('runs', 'list', '--help', '--json');
  expect(help).toMatchObject({ code: 0, stderr: '' });
});

test('a taken port is said as such', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const played = await cli('ui', '--port', String(port), '--no-open');
  server.close();
  expect(played).toMatchObject({
    code: 2,
    stderr: `Port ${port} is taken by another program: --port 0 takes a free one.\n`,
  });
});

test('an import of what is there names the flag that passes over it', async () => {
  const lines = await cli('runs', 'export', 'family');
  const file = join(folder, 'runs.jsonl');
  await writeFile(file, lines.stdout);
  const refused = await cli('runs', 'import', file);
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('--skip-existing') });
  const skipped = await cli('runs', 'import', file, '--skip-existing');
  expect(skipped.stdout).toMatch(/^0 runs imported, with 0 events and 0 checkpoints, 1 skipped/);
});

test('runs show has input, output, parent and children', async () => {
  const shown = (await cli('runs', 'show', 'family')).stdout;
  expect(shown).toMatch(/^input +\{"order":7\}$/m);
  expect(shown).toMatch(/^output +\{"sum":7,"input":\{"order":7\}\}$/m);
  expect(shown).toMatch(/children\n.*\nthe-child +leaf +completed/);
  expect(shown).not.toMatch(/progress/);
  expect((await cli('runs', 'show', 'the-child')).stdout).toMatch(/^parent +family$/m);
  // As a narrow table shows the id.
  expect((await cli('runs', 'show', 'the-ch…')).stdout).toMatch(/^parent +family$/m);
  const document = JSON.parse((await cli('runs', 'show', 'family', '--json')).stdout) as object;
  expect(document).toMatchObject({
    input: { order: 7 },
    output: { sum: 7 },
    children: ['the-child'],
  });
});

test('a filter that leaves nothing says so', async () => {
  const played = await cli('runs', 'events', 'family', '--type', 'nothing');
  expect(played).toMatchObject({ code: 0, stdout: '' });
  expect(played.stderr).toMatch(
    /^Run family has no event of type nothing from seq 1 on; it has \d+/,
  );
});

test('dead retry keeps a reason', async () => {
  const played = await cli('dead', 'retry', 'broke', '--reason', 'the bank is back');
  expect(played).toMatchObject({ code: 0, stdout: 'broke\n' });
  const events = await cli('runs', 'events', 'broke', '--type', 'operator.*', '--full');
  expect(events.stdout).toContain('the bank is back');
});

test('counts are in the right number', async () => {
  const foreseen = await cli('runs', 'cancel', '--id-prefix', 'family', '--dry-run');
  expect(foreseen.stderr).toContain('0 of 1 run; nothing was done.');
});

test('schedules are listed, held back, triggered and removed', async () => {
  await pawl.schedule(leaf, undefined, { id: 'nightly', cron: '0 3 * * *', timeZone: 'UTC' });
  await pawl.schedule(leaf, undefined, { id: 'often', every: '1h' });
  const list = await cli('schedules', 'list');
  expect(list.stdout).toMatch(/nightly +leaf +0 3 \* \* \* UTC/);
  expect(list.stdout).toMatch(/often +leaf +every 1h/);
  expect((await cli('schedules', 'pause', 'leaf', 'nightly')).stdout).toBe('nightly\n');
  expect((await cli('schedules', 'list')).stdout).toMatch(
    /nightly +leaf +0 3 \* \* \* UTC +paused/,
  );
  const { stdout: started } = await cli('schedules', 'trigger', 'leaf', 'nightly');
  expect(started).toMatch(/^nightly\.now\.\d+\n$/);
  await pawl.run(started.trim()).result();
  await pawl.delete(started.trim());
  expect((await cli('schedules', 'resume', 'leaf', 'nightly')).stdout).toBe('nightly\n');
  expect((await cli('schedules', 'pause', 'leaf', 'nobody')).code).toBe(3);
  expect((await cli('schedules', 'remove', 'leaf', 'nobody', '--yes')).code).toBe(3);
  expect((await cli('schedules', 'remove', 'leaf', 'often')).code).toBe(2);
  expect((await cli('schedules', 'remove', 'leaf', 'often', '--yes')).stdout).toBe('often\n');
  expect((await cli('schedules', 'list', '--workflow', 'broken')).stderr).toMatch(/no schedule/);
  const documents = JSON.parse((await cli('schedules', 'list', '--json')).stdout) as object;
  expect(documents).toMatchObject([{ id: 'nightly', timesMissed: 0, waiting: [] }]);
});

test('queues tells which one is paused, and doctor warns of it', async () => {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const queue = new Queue('leaf', { connection, prefix: `{${prefix}}:bull` });
  expect((await cli('queues')).stdout).toMatch(/leaf +open +0 +0 +0/);
  await queue.pause();
  const queues = await cli('queues');
  expect(queues.stdout).toMatch(/leaf +PAUSED/);
  expect(queues.stderr).toContain('Paused in BullMQ: leaf.');
  expect((await cli('doctor')).stdout).toMatch(/warn +queues: paused in BullMQ: leaf/);
  await queue.resume();
  await queue.close();
  connection.disconnect();
});

test('memory, compact, retain and deletions', async () => {
  expect((await cli('memory', 'family')).stdout).toMatch(/^record +\d+$[^]*^total +\d+$/m);
  expect((await cli('memory', '--workflow', 'leaf')).stdout).toMatch(/^runs +1$[^]*^estimated/m);
  expect((await cli('compact', 'family')).code).toBe(2);
  const compacted = await cli('compact', 'family', '--yes');
  expect(compacted.stderr).toMatch(/^\d+ events? dropped; the log begins at seq \d+\.$/m);
  expect((await cli('retain')).code).toBe(2);
  const rule = ['retain', '--workflow', 'leaf', '--keep-newest', '0', '--older-than', '1ms'];
  expect((await cli(...rule)).stderr).toMatch(/--keep-newest/);
  const old = ['retain', '--workflow', 'leaf', '--older-than', '1ms'];
  const foreseen = await cli(...old, '--dry-run');
  expect(foreseen.stdout).toMatch(/the-child +leaf +completed +delete +would/);
  expect(foreseen.stderr).toContain('Nothing was done; the rule meets 1 run.');
  expect((await cli(...old)).stderr).toContain('Delete 1 run? This needs a yes');
  expect((await cli(...old, '--yes')).stdout).toMatch(/the-child.*done/);
  expect((await cli('runs', 'show', 'the-child')).code).toBe(3);
  await cli('runs', 'delete', 'family', '--yes', '--reason', 'asked by Ada');
  expect((await cli('deletions')).stdout).toMatch(/family +parent .*asked by Ada/);
});
