/**
 * `npm run bench:pages [-- --runs N --seconds N]`: pages of the dashboard that are open over many runs that change all the
 * time. Tells, for more and more open pages, how many commands a second the process of the dashboard sends to Redis: they
 * must stay flat. They are counted in that process, which does nothing else; workers and runs are in another one.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { serveDashboard } from '../src/dashboard.ts';
import { defineWorkflow, Pawl } from '../src/index.ts';
import { startRedisServer } from '../src/testing/redis-server.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    worker: { type: 'string' },
  },
});
const runs = Number(values.runs);
const seconds = Number(values.seconds);

/** Changes its status about every second. */
const ticking = defineWorkflow({
  name: 'ticking',
  async run(ctx) {
    for (let i = 0; i < 100_000; i++) {
      await ctx.step('tick', () => i);
      await ctx.sleep('1500ms', { as: `pause:${i}` });
      ctx.forget('pause:');
      ctx.forget('tick');
    }
  },
});

/** In a process of its own. */
async function work(url: string): Promise<void> {
  const pawl = await Pawl.open({ redis: url, logger: false });
  await pawl.worker({ workflows: [ticking], concurrency: 200 }).ready();
  const items = Array.from({ length: runs }, (_, i) => ({ input: undefined, id: `run-${i}` }));
  await pawl.startMany(ticking, items);
  process.send?.('ready');
}

/** An open page, which reads what it is sent. */
async function page(
  url: string,
  role: string,
  counted: { bytes: number; news: number },
): Promise<IncomingMessage> {
  const request = get(url, { agent: false, auth: `${role}:${role}` });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.on('data', (part: Buffer) => {
    counted.bytes += part.length;
    counted.news += part.toString().split('event: parts').length - 1;
  });
  answer.on('error', () => undefined);
  return answer;
}

const roles = ['read', 'operate', 'admin'] as const;

/** `seen`: the roles of those who have the pages open, in turn. */
async function measure(
  base: string,
  paths: readonly string[],
  seen: readonly string[] = ['read'],
): Promise<string> {
  const counted = { bytes: 0, news: 0 };
  const open = paths.map((path, i) => page(base + path, seen[i % seen.length] ?? 'read', counted));
  const pages = await Promise.all(open);
  await sleep(2_000);
  const [before, news, begun] = [commands, counted.news, performance.now()];
  await sleep(seconds * 1_000);
  const took = (performance.now() - begun) / 1_000;
  for (const one of pages) one.destroy();
  await sleep(1_000);
  const rate = ((commands - before) / took).toFixed(0);
  const told = paths.length === 0 ? 0 : (counted.news - news) / took / paths.length;
  return `${rate} commands a second; each page has news ${told.toFixed(2)} times a second`;
}

let commands = 0;

async function main(): Promise<void> {
  const server = await startRedisServer({ config: { save: '' } });
  const child = fork(fileURLToPath(import.meta.url), ['--worker', server.url, '--runs', `${runs}`]);
  try {
    await once(child, 'message');
    const send = Reflect.get(Redis.prototype, 'sendCommand') as () => unknown;
    const counted = function counted(this: Redis, ...given: []): unknown {
      commands += 1;
      return Reflect.apply(send, this, given);
    };
    Reflect.set(Redis.prototype, 'sendCommand', counted);
    const pawl = await Pawl.open({ redis: server.url, logger: false });
    const users = roles.map((role) => ({ name: role, password: role, role }));
    const served = await serveDashboard(pawl, { port: 0, users });
    const base = served.url.replace(/\/$/, '');
    const same = (many: number): string[] => Array.from({ length: many }, () => '/live/runs?');
    const different = Array.from({ length: 50 }, (_, i) => `/live/runs?id=run-${i}`);
    const all: readonly (readonly [string, readonly string[], (readonly string[])?])[] = [
      ['no page', []],
      ['1 page', same(1)],
      ['10 pages', same(10)],
      ['50 pages', same(50)],
      ['51 pages, by people of three roles', same(51), roles],
      ['50 pages of different searches', different],
    ];
    for (const [name, paths, seen] of all) {
      console.log(`${name}: ${await measure(base, paths, seen)}`);
    }
    await served.close();
    await pawl.close();
  } finally {
    child.kill('SIGKILL');
    await server.stop();
  }
}

await (values.worker === undefined ? main() : work(values.worker));
