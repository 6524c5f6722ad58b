// Goal: what deploy/ says can be done: its commands, ports, variables, probes and metrics are those of programs that run.
// Method: its files are read. What they name is started as plain processes, on a Redis with the settings they give it.
// Docker and Kubernetes themselves are not here.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { freePort, startRedisServer, type RedisServer } from 'pawl/testing';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside of the repository, so that `pawl` is the built package.
const app = join(root, '.build/deploy-app');

type Env = Readonly<Record<string, string>>;
interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Env;
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: string | readonly string[] };
  readonly stop_grace_period?: string;
  readonly deploy?: { readonly replicas: number };
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly command: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}
interface Deployment {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly annotations: Env };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [Container];
      };
    };
  };
}

const textOf = (file: string): string => readFileSync(join(root, 'deploy', file), 'utf8');
const compose = parse(textOf('compose.yaml')) as { readonly services: Record<string, Service> };
const service = (name: string): Service => compose.services[name] ?? {};
function pod(file: string): Deployment['spec']['template'] {
  const [first] = parseAllDocuments(textOf(`kubernetes/${file}.yaml`));
  if (first === undefined) throw new Error(`${file}.yaml is empty`);
  return (first.toJS() as Deployment).spec.template;
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly said: { text: string };
}
const children: ChildProcess[] = [];
let redis: RedisServer;

/** Starts a command as a container would, with its environment, but on free ports. */
async function start(command: readonly string[], env: Env, pagesPort?: number): Promise<Started> {
  const [program = '', ...args] = command;
  const port = await freePort();
  const ports = pagesPort === undefined ? {} : { PAGES_PORT: String(pagesPort) };
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    cwd: app,
    env: { PATH: process.env['PATH'], ...env, ...ports, REDIS_URL: redis.url, PORT: String(port) },
  });
  children.push(child);
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => (said.text += data.toString()));
  }
  await expect.poll(() => said.text, { timeout: 20_000 }).toMatch(/ready/);
  return { child, port, said };
}

/** On a connection of its own: one that is kept may be closed by the other side at any time. */
const get = (port: number, path: string, headers: Env = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close', ...headers } });
const statusOf = async (port: number, path: string): Promise<number> =>
  (await get(port, path)).status;
const scrape = async (port: number): Promise<string> => (await get(port, '/metrics')).text();

/** Variables that a program, and the files that it imports, read. */
function variablesOf(file: string): string[] {
  const text = textOf(`app/${file}`);
  const imported = [...text.matchAll(/from '\.\/([\w.]+)'/g)].map(([, name = '']) => name);
  const own = [...text.matchAll(/process\.env\.(\w+)/g)].map(([, name = '']) => name);
  return [...new Set([...own, ...imported.flatMap(variablesOf)])].toSorted();
}

beforeAll(async () => {
  rmSync(app, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  // Without its package.json: these programs are of this package here.
  cpSync(join(root, 'deploy/app'), app, {
    recursive: true,
    filter: (path) => !path.endsWith('package.json'),
  });
  const [program, ...settings] = service('redis').command ?? [];
  expect(program).toBe('redis-server');
  const pairs = settings.flatMap((name, i) =>
    name.startsWith('--') ? [[name.slice(2), settings[i + 1] ?? ''] as const] : [],
  );
  redis = await startRedisServer({ config: Object.fromEntries(pairs) });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await redis.stop();
});

test('files that are named are there, and images have a version', () => {
  for (const { volumes = [], image } of Object.values(compose.services)) {
    for (const volume of volumes.filter((one) => one.startsWith('.'))) {
      expect(existsSync(join(root, 'deploy', volume.split(':')[0] ?? ''))).toBe(true);
    }
    if (image !== undefined) expect(image).toMatch(/:v?\d/);
  }
  const { rule_files } = parse(textOf('prometheus.yml')) as { rule_files: string[] };
  const mounted = service('prometheus').volumes?.map((one) => one.split(':')[1]);
  for (const file of rule_files) expect(mounted).toContain(`/etc/prometheus/${file}`);
  const { providers } = parse(textOf('grafana/provisioning/dashboards/pawl.yaml')) as {
    providers: [{ options: { path: string } }];
  };
  const dashboard = service('grafana').volumes?.map((one) => dirname(one.split(':')[1] ?? ''));
  expect(dashboard).toContain(providers[0].options.path);
  const image = textOf('app/Dockerfile');
  const started = /CMD (\[.*\])/.exec(image)?.[1] ?? '[]';
  expect(JSON.parse(started)).toEqual(service('worker').command);
});

test.each(['worker', 'pages'])('%s: variables, ports and times agree everywhere', (name) => {
  const { spec, metadata } = pod(name);
  const [container] = spec.containers;
  const names = container.env.map((one) => one.name);
  expect(names.toSorted()).toEqual(Object.keys(service(name).environment ?? {}).toSorted());
  expect(variablesOf(`${name}.mjs`).filter((one) => !names.includes(one))).toEqual(
    name === 'worker' ? [] : ['APP_VERSION'],
  );
  expect(container.command).toEqual(service(name).command);
  const { PORT = '', GRACE_MS = '0', PAGES_PORT } = service(name).environment ?? {};
  const ports = Object.fromEntries(container.ports.map((one) => [one.name, one.containerPort]));
  expect(ports).toEqual({
    probes: Number(PORT),
    ...(PAGES_PORT === undefined ? {} : { pages: Number(PAGES_PORT) }),
  });
  expect(metadata.annotations['prometheus.io/port']).toBe(PORT);
  expect(String(service(name).healthcheck?.test)).toContain(`127.0.0.1:${PORT}/ready`);
  expect(textOf('prometheus.yml')).toMatch(
    new RegExp(`names: \\[${name}\\].*port: ${PORT}|'${name}:${PORT}'`),
  );
  expect(spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(Number(GRACE_MS));
  if (name === 'worker') {
    expect(Number.parseInt(service(name).stop_grace_period ?? '0', 10) * 1_000).toBeGreaterThan(
      Number(GRACE_MS),
    );
  }
});

test('three workers and the pages: probes, metrics, a kill -9, a rolling deploy', async () => {
  const { command = [], environment = {}, deploy } = service('worker');
  const count = deploy?.replicas ?? 0;
  const begin = (env: Env = environment) => start(command, env);
  const workers = await Promise.all(Array.from({ length: count }, () => begin()));
  const pagesPort = await freePort();
  const pages = await start(
    service('pages').command ?? [],
    service('pages').environment ?? {},
    pagesPort,
  );
  for (const name of ['worker', 'pages']) {
    const [{ livenessProbe, readinessProbe }] = pod(name).spec.containers;
    const { port } = name === 'worker' ? (workers[0] ?? pages) : pages;
    expect(await statusOf(port, livenessProbe.httpGet.path)).toBe(200);
    expect(await statusOf(port, readinessProbe.httpGet.path)).toBe(200);
    expect(await statusOf(port, pod(name).metadata.annotations['prometheus.io/path'] ?? '')).toBe(
      200,
    );
    expect(await statusOf(port, '/nothing')).toBe(404);
  }
  expect(await statusOf(pagesPort, '/runs')).toBe(401);
  const { PAGES_USER, PAGES_PASSWORD } = service('pages').environment ?? {};
  const authorization = `Basic ${btoa(`${PAGES_USER}:${PAGES_PASSWORD}`)}`;

  const order = run(process.execPath, ['start.mjs', 'lamp', '12'], {
    cwd: app,
    env: { PATH: process.env['PATH'], REDIS_URL: redis.url },
  });
  const holder = async (): Promise<Started> => {
    for (;;) {
      for (const one of workers) {
        if (one.child.killed) continue;
        if (/^pawl_executions_active\S* 1$/m.test(await scrape(one.port))) return one;
      }
      await sleep(20);
    }
  };
  (await holder()).child.kill('SIGKILL');
  const second = await holder();
  // A rolling deploy: a worker of version 2 is ready before one of version 1 is asked to go.
  workers.push(await begin({ ...environment, APP_VERSION: '2' }));
  second.child.kill('SIGTERM');
  const [code] = (await once(second.child, 'exit')) as [number | null];
  expect(code).toBe(0);
  const { output } = JSON.parse((await order).stdout) as { output: object };
  expect(output).toMatchObject({ item: 'lamp', parts: 12 });
  const page = await get(pagesPort, '/runs', { authorization });
  expect(await page.text()).toContain('completed');

  const living = workers.filter(({ child }) => !child.killed);
  const scraped = await Promise.all([...living, pages].map(({ port }) => scrape(port)));
  const there = new Set(
    scraped.flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)),
  );
  for (const file of ['grafana-dashboard.json', 'prometheus-alerts.yml']) {
    const text = readFileSync(join(root, 'docs/recipes', file), 'utf8');
    const asked = [...text.matchAll(/\bpawl_[a-z_]+/g)].map(([name]) => name);
    const missing = asked.filter(
      (name) => !there.has(name) && !there.has(name.replace(/_(bucket|count|sum)$/, '')),
    );
    expect(missing).toEqual([]);
  }
  pages.child.kill('SIGTERM');
  expect(await once(pages.child, 'exit')).toEqual([0, null]);
}, 60_000);

test('Prometheus itself finds its files well, and the alerts fire as they should', async (context) => {
  const isThere = await run('promtool', ['--version']).then(
    () => true,
    () => false,
  );
  context.skip(!isThere, 'no promtool here: apt-get install prometheus');
  const folder = join(app, 'prometheus');
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'deploy/prometheus.yml'), join(folder, 'prometheus.yml'));
  cpSync(join(root, 'docs/recipes/prometheus-alerts.yml'), join(folder, 'prometheus-alerts.yml'));
  await run('promtool', ['check', 'config', join(folder, 'prometheus.yml')]);
  await run('promtool', ['test', 'rules', join(root, 'deploy/prometheus-alerts.test.yml')]);
});
