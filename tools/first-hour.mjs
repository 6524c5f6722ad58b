/**
 * Plays the first hour of a new user in an empty folder, with the packed packages, and checks what each step prints: npm
 * create, install, a run, kill -9, the take-over, the page, a crash test, a deploy. What an earlier newcomer found stands
 * below it (`findings.md`), and each file that it names must be there. Needs `npm run build`, the npm registry and a
 * redis-server.
 *
 *   node tools/first-hour.mjs            plays it, and writes docs/first-hour.md from what was seen
 *   node tools/first-hour.mjs --check    plays it, and fails when the page says something else
 *
 * `.ci/run` plays it with `--check`. Whatever a step starts is ended with this process. Times, ids and names of workers are
 * made the same in the page.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/first-hour.md');
const begunAt = performance.now();
const children = new Set();
const lines = [];
let base = '';
let shop = '';
let env = {};

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function must(isTrue, problem, seen = '') {
  if (!isTrue) throw new Error(`${problem}\n${seen}`);
}

function say(...texts) {
  lines.push(...texts, '');
}

/** What is different each time. */
function settled(text) {
  return stripVTControlCharacters(text)
    .replaceAll(base, '/tmp')
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'run-1')
    .replaceAll(/\b[\w.-]+-\d+-[0-9a-f]{8,}\b/g, 'worker-1')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-02T09:00:00.000Z')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:6379')
    .replaceAll(/process \d+/g, 'process 4242');
}

function show(command, output) {
  lines.push(
    '```console',
    `$ ${command}`,
    ...settled(output).trim().split('\n').map(short),
    '```',
    '',
  );
}

/** A line of a page. */
function short(line) {
  const text = line.trimEnd();
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

/** Runs a command to its end. Its output must have each of `wanted`. */
function play(command, { wanted = [], code = 0, cwd = shop } = {}) {
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', command], { cwd, env, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      try {
        must((error?.code ?? 0) === code, `${command}: exit code ${error?.code ?? 0}`, output);
        for (const one of wanted) must(one.test(output), `${command}: no ${one}`, output);
        console.log(`ok  ${seconds()} s  ${command.slice(0, 90)}`);
        resolve(output);
      } catch (problem) {
        reject(problem);
      }
    });
  });
}

function seconds() {
  return ((performance.now() - begunAt) / 1000).toFixed(1);
}

/** Starts a command that goes on; `until` waits for a text in what it prints. */
function start(command, args) {
  const child = spawn(command, args, { cwd: shop, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const exited = new Promise((resolve) => {
    child.once('exit', () => {
      children.delete(child);
      resolve();
    });
  });
  const seen = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => (seen.text += data));
  }
  const until = async (pattern) => {
    for (let i = 0; i < 600; i++) {
      const match = pattern.exec(seen.text);
      if (match !== null) return match;
      await sleep(50);
    }
    throw new Error(`${args.join(' ')}: no ${pattern} in\n${seen.text}`);
  };
  return { child, exited, seen, until };
}

/** A process of tsx, without npm around it, so that a signal reaches it. */
const tsx = (...args) => start(process.execPath, ['--import', 'tsx', ...args]);

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startRedis() {
  const port = await freePort();
  const redis = start('redis-server', ['--port', String(port), '--save', '', '--dir', base]);
  await redis.until(/Ready to accept connections/);
  return `redis://127.0.0.1:${port}`;
}

async function edit(file, ...changes) {
  const path = join(shop, file);
  let text = await readFile(path, 'utf8');
  for (const [from, to] of changes) {
    must(text.includes(from), `${file} has no ${from}`);
    text = text.replace(from, to);
  }
  await writeFile(path, text);
}

async function startWorker() {
  const worker = tsx('src/worker.ts');
  const [, id, pid] = await worker.until(/worker (\S+) is ready, process (\d+)/);
  return { ...worker, id, pid: Number(pid) };
}

base = await mkdtemp(join(tmpdir(), 'pawl-first-hour-'));
shop = base;
env = { ...process.env, NO_COLOR: '1', npm_config_fund: 'false', npm_config_audit: 'false' };
for (const name of ['PAWL_REDIS', 'PAWL_REDIS_URL', 'PAWL_LOG', 'PAWL_RUNS']) delete env[name];

try {
  const packed = await play(`npm pack --ignore-scripts --silent --pack-destination ${base}`, {
    cwd: root,
  });
  const tarball = join(base, packed.trim().split('\n').at(-1));
  const made = await play(`npm pack --ignore-scripts --silent --pack-destination ${base}`, {
    cwd: join(root, 'create-pawl'),
  });
  const creator = join(base, made.trim().split('\n').at(-1));
  // What `npm create pawl` does with packages of the registry, it does here with the packed ones.
  const create = `npm exec --yes --package=${tarball} --package=${creator} -- create-pawl shop`;
  env.REDIS_URL = await startRedis();

  say(
    '# The first hour',
    '',
    'This page is a transcript. `npm run first-hour` plays it in an empty folder, with the packed packages, and checks what each',
    'step prints. Times, ids and names of workers are made the same here.',
    '',
    '## A project',
  );
  const project = await play(create, {
    wanted: [/src\/workflows\.ts/, /compose\.yaml/, /\.gitignore/, /next: cd shop && npm install/],
  });
  show('npm create pawl shop', project);
  say('`npx pawl init shop` does the same. Neither of them writes over anything.');
  await play(create, { code: 4, wanted: [/is not empty/] });
  await play(`npm exec --yes --package=${tarball} -- pawl init shop`, {
    code: 4,
    wanted: [/is not empty/],
  });
  shop = join(base, 'shop');
  await play(`npm install --silent ${tarball}`);
  const installed = JSON.parse(await readFile(join(shop, 'package.json'), 'utf8'));
  must(installed.name === 'shop' && 'pawl' in installed.dependencies, 'package.json is odd');
  say('```console', '$ cd shop && npm install', '```');
  await play('npm run --silent check');

  say(
    '## What if the worker dies?',
    '',
    'The test lets it die before and after each write, and compares the ends.',
  );
  const tested = await play('npm test --silent', {
    wanted: [/\d+ crashes tried, 0 changed something/, /# pass 1/],
  });
  show('npm test', /.*crashes tried.*/.exec(tested)[0]);

  say(
    '## Two workers, one run, and kill -9',
    '',
    '`npm run redis` starts Redis. Start a worker in each of two terminals:',
  );
  const workers = [await startWorker(), await startWorker()];
  show('npm run worker', `worker ${workers[0].id} is ready, process ${workers[0].pid}`);
  say('In a third terminal, start a run. Kill the worker that has it, in the middle:');
  const order = tsx('src/start.ts', 'lamp', '5');
  const [, run] = await order.until(/run (\S+)/);
  await order.until(/step\.completed pack:2/);
  const held = JSON.parse(await play(`npx pawl runs show ${run} --json`)).worker;
  const victim = workers.find(({ id }) => id === held);
  must(victim !== undefined, `nobody holds ${run}: ${held}`);
  process.kill(victim.pid, 'SIGKILL');
  await victim.exited;
  await order.exited;
  const told = order.seen.text;
  for (const one of [/run\.interrupted/, /run\.resumed/, /pack:5/, /packed: 5/]) {
    must(one.test(told), `no ${one}`, told);
  }
  must(told.match(/step\.completed charge/g).length === 1, 'it was charged again', told);
  must(/^1 run\.created/m.test(told), 'the log begins elsewhere', told);
  show('npm run order -- lamp 5', told);
  say(
    'The other worker went on, and no finished step ran again. This is who took it over, and how long it took:',
  );
  const lost = await play('npx pawl recoveries list', {
    wanted: [new RegExp(`${run}.*${victim.id}.*presence`)],
  });
  const ms = Number(/presence-lost +(\d+)/.exec(lost)?.[1]);
  must(ms < 5_000, `noticed after ${ms} ms`, lost);
  show(
    'npx pawl recoveries list',
    lost.replaceAll(/ +\d+( |$)/gm, ' 50$1').replaceAll(/ {2,}/g, '  '),
  );

  say('## The pages');
  const ui = start(process.execPath, [
    join(shop, 'node_modules/pawl/dist/cli/main.js'),
    'ui',
    '--port',
    '0',
    '--no-open',
  ]);
  const [url] = await ui.until(/http:\/\/\S+/);
  const list = await (await fetch(`${url}runs`)).text();
  must(list.includes(run) && list.includes('completed'), 'the list has no such run', list);
  const one = await (await fetch(`${url}runs/${run}`)).text();
  must(/taken over/i.test(one) && one.includes('pack:5'), 'the page tells nothing', one);
  ui.child.kill('SIGINT');
  await ui.exited;
  show('npx pawl ui', 'http://localhost:4777/\nCtrl-C ends it.');
  say('The page of the run shows each worker that had it, and when the second one took it over.');

  say(
    '## A bug that the crash test finds',
    '',
    'A key of one’s own, made anew at each attempt, charges twice when a worker dies:',
  );
  await edit(
    'src/workflows.ts',
    ['step.idempotencyKey', 'crypto.randomUUID()'],
    ['(step) =>', '() =>'],
  );
  const broken = await play('npm test --silent', {
    code: 1,
    wanted: [/PAWL_CRASH_TEST|does not survive/],
  });
  show(
    'npm test',
    /.*does not survive every crash[^\n]*\n[^\n]*/.exec(broken)[0].replace(/^.*error: /, ''),
  );
  await cp(join(root, 'templates/project/src/workflows.ts'), join(shop, 'src/workflows.ts'));

  say(
    '## Deploy version 2',
    '',
    'Start a long run, then change the workflow: a new step at the end, and `version: 2`.',
  );
  const long = tsx('src/start.ts', 'chair', '15', 'order-2');
  await long.until(/step\.completed pack:1/);
  await edit(
    'src/workflows.ts',
    ['version: 1', 'version: 2'],
    [
      '    return { item,',
      '    const receipt = await ctx.step("receipt", () => `receipt for ${item}`);\n    return { receipt, item,',
    ],
  );
  const rehearsed = await play('npx pawl rehearse', {
    wanted: [/1 run checked: this code understands all of them/],
  });
  show('npx pawl rehearse', rehearsed);
  const next = await startWorker();
  const old = workers.find((worker) => worker !== victim);
  process.kill(old.pid, 'SIGTERM');
  await old.exited;
  await long.exited;
  const end = long.seen.text;
  must(/receipt: 'receipt for chair'/.test(end) && /packed: 15/.test(end), 'no receipt', end);
  must(!/run\.interrupted/.test(end), 'the old worker did not hand its run over', end);
  must(end.match(/step\.completed pack:1\b/g).length === 1, 'pack:1 came twice', end);
  say(
    'Start a worker with the new code, and send SIGTERM to the old one. It hands its run over, which ends with a receipt:',
  );
  show('npm run order -- chair 15', end.split('\n').slice(-10).join('\n'));
  process.kill(next.pid, 'SIGTERM');
  await next.exited;
  const doctor = await play('npx pawl doctor', { wanted: [/ok +indexes/] });
  must(!/WRONG/.test(doctor), 'the doctor is not content', doctor);

  const findings = await readFile(join(root, 'tools/findings.md'), 'utf8');
  for (const [, file] of findings.matchAll(/`((?:test|src|tools)\/[^`]+)`/g)) {
    must(existsSync(join(root, file)), `tools/findings.md names ${file}, which is not there`);
  }
  lines.push(findings);
  const text = `${lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()}\n`;
  if (process.argv.includes('--check')) {
    const known = await readFile(page, 'utf8');
    must(headings(known) === headings(text), 'docs/first-hour.md has other steps', text);
  } else await writeFile(page, text);
  console.log(`the first hour took ${seconds()} s`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await rm(base, { recursive: true, force: true });
}

/** Commands and headings; what is printed between them was checked step by step. */
function headings(text) {
  return text
    .split('\n')
    .filter((line) => /^(#|\$ )/.test(line))
    .join('\n');
}
