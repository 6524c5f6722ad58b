// Goal: each command does what docs/cli.md says, in a process of its own: data, words and exit code. Method: real Redis.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { decode } from '../../src/core/codec.ts';
import { encodeRecord } from '../../src/engine/payloads.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { committed, held, parking, workerInfo } from '../../src/testing/run-store/opened.ts';
import { airlineRuns, cliEnv, cliMain, playCli, type Played } from '../support/cli.ts';
import { killChildren } from '../support/child.ts';
import { newPrefix, openPawl, startWorker } from '../support/workers.ts';
import { poison, ticks } from '../support/workflows.ts';

const prefix = newPrefix();
let url: string;
let pawl: Pawl;
let folder: string;

function cli(...args: readonly string[]): Promise<Played> {
  const env = cliEnv({ PAWL_REDIS: url, PAWL_PREFIX: prefix, PAWL_ACTOR: 'ada' });
  return playCli(args, env, folder);
}

/** The document of a command that must have worked. */
async function data(...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await cli(...args, '--json');
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(stdout);
}

beforeAll(async () => {
  url = inject('redisUrl');
  pawl = await openPawl(url, prefix);
  folder = await mkdtemp(join(tmpdir(), 'pawl-cli-'));
});

afterAll(async () => {
  await killChildren();
  await pawl.close();
  await rm(folder, { recursive: true });
});

const ofAirline = ['--runs', airlineRuns];

test('the inbox tells what runs wait for, and of two answers one is taken', async () => {
  const store = await RedisRunStore.open({ redis: url, prefix });
  const { ownership } = await held(store, {
    create: { run: 'signs', workflow: 'signing', data: encodeRecord({}) },
  });
  const wait = { kind: 'signal', on: ['signature'], since: Date.UTC(2026, 0, 31) } as const;
  const waits = ['legal', 'security'].map((key) => {
    return { ...wait, name: `${key} signs`, key, label: `Sign for ${key}` };
  });
  await committed(store, ownership, { release: parking({ waits }) });
  const [all, one, none, wrong] = await Promise.all([
    data('inbox', '--workflow', 'signing'),
    cli('inbox', '--signal', 'signature', '--key', 'legal'),
    cli('inbox', '--signal', 'signature', '--key', 'money'),
    cli('inbox', '--key', 'legal'),
  ]);
  expect(all).toMatchObject({
    items: [{ run: 'signs', wait: 'legal signs', label: 'Sign for legal' }, { key: 'security' }],
  });
  expect(one.stdout).toMatch(
    /^RUN +WAIT +ABOUT.*\nsigns +legal signs +Sign for legal +signature +legal +2026-01-31.*\n$/,
  );
  expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'No run waits for an answer.\n' });
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('waitKey') });
  const answer = ['runs', 'answer', 'signs', 'legal signs', '--data', '{"name":"ada"}'] as const;
  expect(await data(...answer)).toEqual({ run: 'signs', wait: 'legal signs' });
  expect(await cli(...answer)).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringContaining('ada was first. Nothing was written. (PAWL_ANSWERED)'),
  });
  await data('runs', 'signal', 'signs', 'signature', '--key', 'security');
  const { messages } = await store.readInbox('signs');
  expect(messages.map(({ key, wait: of, actor }) => [key, of, actor])).toEqual([
    ['legal', 'legal signs', 'ada'],
    ['security', undefined, 'ada'],
  ]);
  await store.close();
});

test('what only a person can settle is listed, and decided about by the name of the step', async () => {
  const store = await RedisRunStore.open({ redis: url, prefix });
  const { ownership } = await held(store, {
    create: { run: 'stuck', workflow: 'trip', data: encodeRecord({}) },
  });
  const since = Date.UTC(2026, 0, 31);
  const waits = [
    { kind: 'undo', name: 'doubt:1', on: ['flight ›› undo'], since },
    { kind: 'decision', name: 'doubt:1', on: ['pay'], since: since + 1 },
  ] as const;
  await committed(store, ownership, { release: parking({ waits }) });
  const [listed, all, wrong, unknown, both] = await Promise.all([
    cli('inbox', '--decisions'),
    data('inbox', '--decisions', '--workflow', 'trip'),
    cli('inbox', '--decisions', '--key', 'legal'),
    cli('runs', 'decide', 'stuck', 'hotel', 'retry'),
    cli('runs', 'decide', 'stuck', 'flight', 'retry', '--result', '1'),
  ]);
  expect(listed.stdout).toMatch(
    /^RUN +WORKFLOW +WHAT +NAME.*\nstuck +trip +not undone +flight ›› undo/,
  );
  expect(listed.stdout).toMatch(/\nstuck +trip +in doubt +pay +2026-01-31/);
  expect(all).toMatchObject({ items: [{ kind: 'undo' }, { kind: 'decision', name: 'pay' }] });
  expect(wrong).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--decisions goes with'),
  });
  expect(unknown).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('It asks about flight ›› undo, pay. Nothing was written.'),
  });
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('--result is for') });
  expect((await store.readInbox('stuck')).messages).toEqual([]);
  const settled = ['runs', 'decide', 'stuck', 'flight', 'done', '--result', '"by hand"'] as const;
  expect(await data(...settled)).toMatchObject({ name: 'flight ›› undo', decide: 'done' });
  await data('runs', 'decide', 'stuck', 'pay', 'retry');
  const { messages } = await store.readInbox('stuck');
  expect(messages.map(({ name, data: sent }) => [name, decode(sent, { key: name })])).toEqual([
    ['effect flight ›› undo', { decide: 'done', result: 'by hand' }],
    ['effect pay', { decide: 'retry' }],
  ]);
  await store.close();
});

test('runs are started, listed, looked at and forked', async () => {
  const worker = pawl.worker({ workflows: [(await import(airlineRuns)).airline] });
  const started = await cli('runs', 'start', 'airline', '--id', 'talk-1', '--wait', ...ofAirline);
  expect(started).toEqual({
    code: 0,
    stdout: '{"passengers":["Anya Garcia","Mei Garcia"]}\n',
    stderr: 'talk-1\n',
  });
  await worker.close();

  const [queued, list, shown, events, stored, state] = await Promise.all([
    cli(
      'runs',
      'start',
      'airline',
      '--id',
      'other',
      '--tag',
      'of=ada',
      '--key',
      'ada',
      ...ofAirline,
    ),
    data('runs', 'list', '--workflow', 'airline', '--status', 'completed'),
    cli('runs', 'show', 'tal'),
    cli('runs', 'events', 'talk-1', '--json', '--type', 'step.*'),
    data('runs', 'state', 'talk-1'),
    data('runs', 'state', 'talk-1', '--at', 'before the change', ...ofAirline),
  ]);
  expect(queued).toMatchObject({ code: 0, stdout: 'other\n' });
  expect(list).toMatchObject({ runs: [{ id: 'talk-1', status: 'completed' }] });
  const own = await data('runs', 'list', '--key', 'ada');
  expect(own).toMatchObject({ runs: [{ id: 'other', key: 'ada' }] });
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(
    /^run +talk-1\nworkflow +airline, code version 1\nstatus +completed/,
  );
  expect(shown.stdout).toContain('update_reservation_passengers');
  const lines = events.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ data: { name } }) => name)).toEqual([
    'get_reservation_details',
    'update_reservation_passengers',
  ]);
  expect(stored).toMatchObject({ turn: 8, passengers: ['Anya Garcia', 'Mei Lee'] });
  expect(state).toEqual(stored);

  expect(await data('runs', 'diff', 'talk-1', '13', '15', ...ofAirline)).toEqual([
    { path: ['turn'], kind: 'changed', before: 8, after: 9 },
    { path: ['passengers', 1], kind: 'changed', before: 'Mei Lee', after: 'Mei Garcia' },
  ]);
  const forked = await cli(
    'runs',
    'fork',
    'talk-1',
    '--at',
    '13',
    '--id',
    'talk-2',
    ...ofAirline,
    '--set',
    'wanted.to="Mei Long"',
  );
  expect(forked).toMatchObject({ code: 0, stdout: 'talk-2\n' });
  expect((await pawl.run('talk-2').info()).status).toBe('queued');
  expect(await data('runs', 'state', '@last')).toMatchObject({ wanted: { to: 'Mei Long' } });

  const several = await cli('runs', 'show', 'talk');
  expect(several).toMatchObject({ code: 2, stdout: '' });
  expect(several.stderr).toMatch(/several ids:\n {2}talk-2\n {2}talk-1\n$/);
});

test('runs are paused, signalled, resumed and cancelled', async () => {
  const [paused, signalled] = await Promise.all([
    data('runs', 'pause', 'other', '--reason', 'lunch'),
    data(
      'runs',
      'signal',
      'talk-2',
      'hello',
      '--data',
      '{"at":{"$date":"2026-01-01T00:00:00.000Z"}}',
    ),
  ]);
  expect(paused).toEqual({ action: 'pause', done: ['other'], unchanged: [], refused: [] });
  expect(signalled).toEqual({ run: 'talk-2', signal: 'hello' });
  // With the workflow at hand, its signals are known, and this is none of them.
  const unknown = await cli('runs', 'signal', 'talk-2', 'hello', ...ofAirline);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toMatch(/"hello" is not one of workflow airline/);
  expect(await data('runs', 'resume', 'other')).toMatchObject({ done: ['other'] });
  const [wanted, dry] = await Promise.all([
    cli('runs', 'cancel', 'other'),
    data('runs', 'cancel', '--tag', 'of=ada', '--dry-run'),
  ]);
  expect(wanted).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/--yes/) });
  expect(dry).toMatchObject({ done: 1, dryRun: true });
  expect((await pawl.run('other').info()).status).toBe('queued');
  expect(await data('runs', 'cancel', '--tag', 'of=ada', '--yes')).toMatchObject({ done: 1 });
  const again = await cli('runs', 'cancel', 'other', '--yes');
  expect(again).toMatchObject({ code: 4, stderr: expect.stringMatching(/PAWL_RUN_ENDED/) });
});

test('runs are exported, imported, rehearsed and removed', async () => {
  const [exported, rehearsed] = await Promise.all([
    cli('runs', 'export', 'talk-1'),
    cli('rehearse', ...ofAirline, '--json'),
  ]);
  expect(JSON.parse(exported.stdout.split('\n')[0] ?? '')).toMatchObject({ kind: 'pawl-export' });
  const file = join(folder, 'talk-1.jsonl');
  await writeFile(file, exported.stdout);
  const other = ['--prefix', 'imported'];
  const imported = await cli('runs', 'import', file, '--json', ...other);
  expect(JSON.parse(imported.stdout)).toMatchObject({ runs: 1, skipped: 0 });
  expect((await cli('runs', 'export', 'talk-1', ...other)).stdout).toBe(exported.stdout);
  const twice = await cli('runs', 'import', file, ...other);
  expect([twice.code, twice.stderr]).toEqual([4, expect.stringContaining('PAWL_RUN_EXISTS')]);
  const foreign = {
    run_id: 'far',
    workflow_name: 'talk',
    step: 1,
    next_node_id: 'n',
    scope_snapshot: {},
  };
  await writeFile(join(folder, 'far.json'), JSON.stringify(foreign));
  const from = ['--format', 'simple_agents', '--workflow', 'nothing', '--json'];
  const far = await cli('runs', 'import', join(folder, 'far.json'), ...from, ...other);
  expect(JSON.parse(far.stdout)).toMatchObject({ runs: 1, checkpoints: 1 });
  expect((await cli('runs', 'import', file, '--skip-existing', ...other)).stdout).toContain(
    '1 skipped',
  );
  expect(rehearsed).toMatchObject({ code: 0, stdout: '{"checked":1,"problems":[]}\n' });
  expect(await data('runs', 'delete', 'other', '--yes')).toMatchObject({ done: ['other'] });
  expect(await cli('runs', 'show', 'other')).toMatchObject({ code: 3, stdout: '' });
});

test('a worker process is drained; a killed one is in the list of recoveries', async () => {
  const setup = { url, prefix, worker: { sweepMs: 25 } };
  const first = await startWorker(setup);
  const run = await pawl.start(ticks, { count: 10_000, paceMs: 20 }, { id: 'ticks' });
  await expect.poll(async () => (await run.info()).worker, { timeout: 10_000 }).toBe(first.id);
  const second = await startWorker(setup);
  first.child.kill('SIGKILL');
  await expect.poll(async () => (await run.info()).worker, { timeout: 10_000 }).toBe(second.id);

  const [recoveries, workers] = await Promise.all([
    data('recoveries', 'list'),
    data('workers', 'list'),
  ]);
  expect(recoveries).toMatchObject([
    { run: 'ticks', from: first.id, worker: second.id, quarantined: false },
  ]);
  expect(workers).toMatchObject([{ id: second.id, draining: false, active: expect.any(Number) }]);

  const drained = await cli('workers', 'drain', second.id, '--wait');
  expect(drained).toEqual({ code: 0, stdout: `${second.id}\n`, stderr: 'The worker has left.\n' });
  expect(await run.info()).toMatchObject({ status: 'queued', worker: undefined });
  expect(await pawl.workers()).toEqual([]);
  // Its process goes on, and would start again what it is told to.
  expect(second.child.messages.map(({ message }) => message)).not.toContain('closed');
  expect(await cli('workers', 'drain', 'nobody')).toMatchObject({ code: 3, stdout: '' });
});

test('dead runs are listed, tried again, and discarded', async () => {
  const failing = defineWorkflow({
    name: 'failing',
    run() {
      throw new Error('no way');
    },
  });
  await using worker = pawl.worker({ workflows: [failing] });
  const runs = await Promise.all(['a', 'b'].map((id) => pawl.start(failing, undefined, { id })));
  await Promise.all(runs.map((run) => expect(run.result()).rejects.toThrow(/no way/)));
  await worker.close();

  const list = await cli('dead', 'list');
  expect(list).toMatchObject({ code: 0, stderr: '' });
  expect(list.stdout).toMatch(/^RUN +WORKFLOW[^\n]*\n(b|a) +failing +failed .* no way\n/);
  expect(await data('dead', 'retry', 'a')).toMatchObject({ action: 'retry', done: ['a'] });
  expect((await pawl.run('a').info()).status).toBe('queued');
  const [living, unasked] = await Promise.all([
    cli('dead', 'discard', 'a', '--yes'),
    cli('dead', 'discard', 'b'),
  ]);
  expect(living).toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringMatching(/neither failed nor quarantined/),
  });
  expect(unasked).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/--yes/) });
  expect(await data('dead', 'discard', '--all', '--yes')).toMatchObject({ done: ['b'] });
  expect(await data('dead', 'list')).toMatchObject({ runs: [] });
});

test('the usage, a Redis that is away, a configuration: words on standard error, and an exit code', async () => {
  await writeFile(join(folder, 'pawl.config.json'), JSON.stringify({ runs: airlineRuns }));
  await writeFile(join(folder, 'odd.json'), '{"reddis":"redis://x"}');
  await writeFile(join(folder, 'runs.ts'), 'export const nothing: number = 1;');
  const away = ['--redis', 'redis://127.0.0.1:1', '--connect-ms', '300'];
  const [none, verb, typo, odd, unreachable, doctor, ill, empty, script, version] =
    await Promise.all([
      cli(),
      cli('runs', 'lst'),
      cli('runs', 'list', '--stauts', 'failed'),
      cli('runs', 'list', '--config', 'odd.json'),
      cli('runs', 'list', ...away),
      data('doctor'),
      cli('doctor', '--runs', 'missing.mjs', '--json'),
      cli('rehearse', '--runs', 'runs.ts'),
      cli('completion', 'bash'),
      cli('--version'),
    ]);
  expect(none).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^Usage:/) });
  expect(verb).toMatchObject({ code: 2, stderr: expect.stringMatching(/Did you mean list\?/) });
  expect(typo).toMatchObject({ code: 2, stderr: expect.stringMatching(/Did you mean --status\?/) });
  expect(odd).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/"reddis" that pawl does not know/),
  });
  expect(unreachable).toMatchObject({ code: 5, stdout: '' });
  expect(unreachable.stderr).toMatch(/PAWL_UNAVAILABLE[\s\S]*pawl doctor/);
  expect(doctor).toMatchObject({
    ok: true,
    settings: {
      redis: { from: 'PAWL_REDIS' },
      runs: { value: airlineRuns, from: expect.stringMatching(/pawl\.config\.json$/) },
    },
  });
  expect(ill.code).toBe(6);
  expect(JSON.parse(ill.stdout)).toMatchObject({ ok: false });
  expect(empty.code).toBe(2);
  expect(empty.stderr).toMatch(/exports no workflow|does not read TypeScript/);
  expect(script.stdout).toMatch(/"runs list"\*\)/);
  await promisify(execFile)('bash', ['-n', '-c', script.stdout]);
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('runs are found and shown by what they wait for, and by what is at work', async () => {
  const store = await RedisRunStore.open({ redis: url, prefix });
  for (const [id, on] of [
    ['asks-ada', ['ada-approves']],
    ['asks-ben', ['ben-approves']],
  ] as const) {
    const create = { run: id, workflow: 'asking', data: encodeRecord({}) };
    const { ownership } = await held(store, { create });
    const wait = { kind: 'signal', name: 'approval', on, since: Date.UTC(2026, 0, 31) } as const;
    await committed(store, ownership, { release: parking({ waits: [wait] }) });
  }
  const busy = await held(store, {
    create: { run: 'busy', workflow: 'asking', data: encodeRecord({}) },
  });
  const told = JSON.stringify([['busy', 'charge', 2, Date.UTC(2026, 0, 31)]]);
  await store.fleet.beat(workerInfo(busy.worker), 60_000, told);
  const [found, kind, none, bad, shown, atWork] = await Promise.all([
    data('runs', 'list', '--waiting-for', 'ada-approves'),
    data('runs', 'list', '--waiting-for', 'kind:signal', '--workflow', 'asking'),
    cli('runs', 'list', '--waiting-for', 'nobody'),
    cli('runs', 'list', '--waiting-for', 'kind:nothing'),
    cli('runs', 'show', 'asks-ben'),
    cli('runs', 'show', 'busy'),
  ]);
  expect(found).toMatchObject({ runs: [{ id: 'asks-ada', waits: [{ on: ['ada-approves'] }] }] });
  expect((kind as { runs: unknown[] }).runs.length).toBe(2);
  expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'No run meets these conditions.\n' });
  expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('kind:signal') });
  expect(shown.stdout).toMatch(/waits for\n.*WHAT.*\n.*signal ben-approves +approval +2026-01-31/);
  expect(atWork.stdout).toMatch(/at work\n.*STEP.*\n *charge +2 +2026-01-31/);
  await store.fleet.deregister(busy.worker);
  await store.close();
});

test('a reader that closes the pipe ends it quietly, and Ctrl-C ends what goes on', async () => {
  const long = newPrefix();
  await using many = await openPawl(url, long);
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => many.start(poison, undefined, { id: `run-${i}` })),
  );
  const env = cliEnv({ PAWL_REDIS: url, PAWL_PREFIX: long, NODE_BIN: process.execPath });
  const piped = '"$NODE_BIN" "$0" runs export | head -1; echo "${PIPESTATUS[0]}"';
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', piped, cliMain], { env });
  expect([stdout.trimEnd().split('\n').length, stdout.endsWith('\n0\n'), stderr]).toEqual([
    2,
    true,
    '',
  ]);

  const follower = spawn(process.execPath, [cliMain, 'runs', 'events', 'run-1', '--follow'], {
    env,
  });
  await once(follower.stdout, 'data');
  follower.kill('SIGINT');
  expect(await once(follower, 'close')).toEqual([130, null]);
});

test('the pages are served until Ctrl-C, and to others only with a password', async () => {
  const env = cliEnv({ PAWL_REDIS: url, PAWL_PREFIX: prefix });
  const flags = ['ui', '--port', '0', '--no-open'];
  const server = spawn(process.execPath, [cliMain, ...flags, '--read-only'], { env });
  const [printed] = (await once(server.stdout, 'data')) as [Buffer];
  const address = printed.toString().trim();
  const page = await fetch(address);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<html')]);
  server.kill('SIGINT');
  expect(await once(server, 'close')).toEqual([130, null]);
  const open = await cli(...flags, '--host', '0.0.0.0');
  expect([open.code, open.stdout, open.stderr]).toEqual([
    expect.any(Number),
    '',
    expect.stringMatching(/password/),
  ]);
  expect(open.code).not.toBe(0);
});

test('who logs in to the pages has the role, and does not see what is hidden', async () => {
  const id = 'ui-1';
  await pawl.start(poison, undefined, { id, tags: { iban: 'DE02', tenant: 'acme' } });
  const env = cliEnv({ PAWL_REDIS: url, PAWL_PREFIX: prefix, PAWL_UI_PASSWORD: 'secret' });
  const flags = ['ui', '--port', '0', '--no-open', '--user', 'rob', '--role', 'operate'];
  const more = ['--hide', 'iban', '--board'];
  const server = spawn(process.execPath, [cliMain, ...flags, ...more], { env });
  const [printed] = (await once(server.stdout, 'data')) as [Buffer];
  const headers = { authorization: `Basic ${btoa('rob:secret')}` };
  const look = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(printed.toString().trim() + path, { headers });
    return [answer.status, await answer.text()];
  };
  const [status, page] = await look(`runs/${id}`);
  expect([status, page]).toEqual([200, expect.stringContaining(`/runs/${id}/cancel`)]);
  expect(page).not.toContain(`/runs/${id}/delete`);
  expect([page.includes('acme'), page.includes('DE02')]).toEqual([true, false]);
  expect((await look('board/'))[0]).toBe(200);
  server.kill('SIGINT');
  await once(server, 'close');
  const refused = await cli(...flags);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('PAWL_UI_PASSWORD')]);
});

test('docs/cli.md says what the commands do', async () => {
  const tool = fileURLToPath(new URL('../../tools/cli-page.mjs', import.meta.url));
  const { stderr } = await promisify(execFile)(process.execPath, [tool, url, '--check'], {
    env: cliEnv(),
  });
  expect(stderr).toBe('');
}, 240_000);
