/**
 * `npm run test:hosts`: the pages in real apps whose frameworks are no dependencies of ours, for their size: a route of
 * Next, and Nest over Fastify. Each is made in an empty folder with the packed package, built and started. Then: login,
 * roles, forms, streams, and routes of the host. `-- nest` plays one of them. It is no part of the checks of each change.
 * Needs `npm run build`, the npm registry and a redis-server.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const base = '/admin/pawl';
const children = [];

const library = `import { Pawl, defineWorkflow } from 'pawl';
export const idle = defineWorkflow({ name: 'idle', run: () => 1 });
export const opened = (globalThis.pawl ??= Pawl.open({ redis: process.env.PAWL_REDIS }));
export const users = [
  { name: 'ada', password: 'a', role: 'admin' },
  { name: 'rob', password: 'r', role: 'read' },
];
`;

const hosts = {
  next: {
    packages: ['next', 'react', 'react-dom'],
    build: ['node_modules/next/dist/bin/next', 'build'],
    start: (port) => ['node_modules/next/dist/bin/next', 'start', '-p', String(port)],
    files: {
      'next.config.mjs': `export default { serverExternalPackages: ['pawl', 'bullmq', 'ioredis'] };\n`,
      'lib/pawl.js': library,
      [`app${base}/[[...path]]/route.js`]: `import { nextRoute } from 'pawl/dashboard';
import { opened, users } from '../../../../lib/pawl.js';

export const dynamic = 'force-dynamic';
export const { GET, POST, PUT, PATCH } = nextRoute(await opened, { basePath: '${base}', users });
`,
      'app/start/route.js': `import { idle, opened } from '../../lib/pawl.js';
export const POST = async () => {
  const run = await (await opened).start(idle, undefined, { id: 'r' });
  return Response.json({ run: run.id }, { status: 202 });
};
`,
      'app/echo/route.js': `export const POST = async (request) => Response.json(await request.json());\n`,
    },
  },
  nest: {
    packages: [
      '@nestjs/common@11',
      '@nestjs/core@11',
      '@nestjs/platform-fastify@11',
      'reflect-metadata',
      'rxjs',
    ],
    start: (port) => ['main.mjs', String(port)],
    files: {
      'lib.mjs': library,
      'main.mjs': `import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { mountOnNest } from 'pawl/dashboard';
import { idle, opened, users } from './lib.mjs';

const pawl = await opened;
class Routes {
  async start() {
    const run = await pawl.start(idle, undefined, { id: 'r' });
    return { run: run.id };
  }
  echo(body) {
    return body;
  }
}
const method = (name) => [Routes.prototype, name, Object.getOwnPropertyDescriptor(Routes.prototype, name)];
Post('start')(...method('start'));
HttpCode(202)(...method('start'));
Post('echo')(...method('echo'));
Body()(Routes.prototype, 'echo', 0);
Controller()(Routes);
class Root {}
Module({ controllers: [Routes] })(Root);
const app = await NestFactory.create(Root, new FastifyAdapter(), { logger: ['error', 'warn'] });
mountOnNest(app, pawl, { basePath: '${base}', users });
await app.listen(Number(process.argv[2]), '127.0.0.1');
`,
    },
  },
};

function must(isTrue, problem, seen = '') {
  if (!isTrue) throw new Error(`${problem}\n${seen}`);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function begin(command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  children.push(child);
  return child;
}

/** Ends the last `count` that were begun, the youngest first: an app before its Redis. */
async function end(count) {
  for (const child of children.splice(-count).toReversed()) {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

async function play({ packages, files, build, start }, folder, env) {
  const given = { 'package.json': JSON.stringify({ name: 'app', private: true }), ...files };
  for (const [name, text] of Object.entries(given)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const run = promisify(execFile);
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder, root];
  const { stdout: packed } = await run('npm', pack, { cwd: folder });
  const tarball = `./${packed.trim().split('\n').at(-1)}`;
  const flags = ['--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...flags, tarball, ...packages], { cwd: folder });
  if (build !== undefined) await run(process.execPath, build, { cwd: folder, env });
  const port = await freePort();
  begin(process.execPath, start(port), { cwd: folder, env });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200; tries++) {
    if (await fetch(url).catch(() => undefined)) break;
    await sleep(100);
  }
  await check(url);
}

async function check(url) {
  const as = (user, headers = {}) => ({ authorization: `Basic ${btoa(user)}`, ...headers });
  const ask = (path, init = {}) => fetch(url + path, { redirect: 'manual', ...init });
  const started = await ask('/start', { method: 'POST' });
  must(started.status === 202, 'no run was started', await started.text());
  for (const path of [base, `${base}/runs`, `${base}/runs/r`, `${base}/style.css`]) {
    const { status } = await ask(path);
    must(status === 401, `${path} is open to everybody`, status);
  }
  const first = await ask(base, { headers: as('rob:r') });
  must(first.headers.get('location') === `${base}/overview`, 'the first page is another one');
  const shown = await ask(`${base}/runs/r`, { headers: as('ada:a') });
  const policy = shown.headers.get('content-security-policy') ?? '';
  must(policy.includes("default-src 'none'"), 'the policy is lost', policy);
  const page = await shown.text();
  const links = [...page.matchAll(/(?:href|src|action)="([^"]+)"/g)].map(([, link]) => link);
  const wrong = links.filter((link) => !link.startsWith(`${base}/`) && !link.startsWith('#'));
  must(links.length > 10 && wrong.length === 0, 'links lead elsewhere', wrong);
  const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const pause = (user) =>
    ask(`${base}/runs/r/pause`, {
      method: 'POST',
      headers: as(user, { 'sec-fetch-site': 'same-origin' }),
      body: new URLSearchParams({ token, reason: 'a & b' }),
    });
  const [read, admin] = [await pause('rob:r'), await pause('ada:a')];
  must(read.status === 403, 'a reader paused it', read.status);
  must(admin.status === 303, 'an admin could not pause it', await admin.text());
  const live = await ask(`${base}/runs/r/live`, { headers: as('rob:r') });
  const reader = live.body.pipeThrough(new TextDecoderStream()).getReader();
  let came = '';
  while (!came.includes('operator.paused')) {
    const { value, done } = await reader.read();
    must(!done, 'the stream ended', came);
    came += value;
  }
  must(came.includes('a &amp; b'), 'the reason was changed on the way', came);
  await reader.cancel();
  const sent = JSON.stringify({ a: [1, 'ü'] });
  const headers = { 'content-type': 'application/json' };
  const echo = await ask('/echo', { method: 'POST', headers, body: sent });
  must((await echo.text()) === sent, 'a route of the host is broken');
  must((await ask(`${base}x`)).status === 404, 'a path beside the pages is answered');
}

const asked = process.argv.slice(2);
for (const [name, host] of Object.entries(hosts)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const folder = await mkdtemp(join(tmpdir(), `pawl-${name}-`));
  try {
    const port = await freePort();
    const redis = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    begin('redis-server', redis, {});
    const address = `redis://127.0.0.1:${port}`;
    await play(host, folder, { ...process.env, PAWL_REDIS: address, NEXT_TELEMETRY_DISABLED: '1' });
    console.log(`${name}: login, roles, forms, streams and other routes are as they should be.`);
  } finally {
    await end(children.length);
    await rm(folder, { recursive: true, force: true });
  }
}
