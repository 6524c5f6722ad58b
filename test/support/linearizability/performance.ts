/** One history: clients behind proxies, a storm over them, and the judgement of what they were told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RunStore } from '../../../src/core/store.ts';
import type { RedisServer } from '../../../src/testing/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { checkHistory, type Model, type Operation, type Verdict } from './checker.ts';
import { Client, Scene, seeded } from './clients.ts';
import { electionModel } from './election-model.ts';
import { runModel } from './run-model.ts';

export type Storm = 'none' | 'lost replies and cuts' | 'killed clients';

export interface Performance {
  readonly server: RedisServer;
  readonly openStore: (url: string, prefix: string) => Promise<RunStore>;
  readonly storm: Storm;
  readonly seed: number;
  readonly clients?: number;
  /** Of each client. */
  readonly calls?: number;
}

export interface Report {
  readonly answered: number;
  readonly unknown: number;
  /** Connections the clients have made besides their first. */
  readonly reconnects: number;
  /** What cannot have happened, in words; empty when all could. */
  readonly problems: readonly string[];
}

const killEveryMs = 8;
/** Of all replies. */
const lostReplies = 0.08;
/** Longer than a call may take: its answer is lost for good. */
const longPauseMs = 500;

export async function perform(performance: Performance): Promise<Report> {
  const { server, openStore, storm, seed, clients = 5, calls = 60 } = performance;
  const names = Array.from({ length: clients }, (_, i) => `c${i}`);
  const scene = new Scene(['r0', 'r1'], names);
  const target = { host: '127.0.0.1', port: server.port };
  const proxies = await Promise.all(names.map(() => startTcpProxy({ target })));
  const stores = await Promise.all(proxies.map(({ url }) => openStore(url, `lin-${seed}`)));
  const admin = new Redis(server.url);
  await admin.flushall();
  const before = await connectionsOf(admin);
  const calm = new AbortController();
  const weather = rage(storm, { proxies, admin, random: seeded(seed), calm: calm.signal });
  try {
    const loses = storm === 'lost replies and cuts' ? lostReplies : 0;
    await Promise.all(
      stores.map((store, i) => {
        const random = seeded(seed * 1000 + i);
        const beforeCall = (): void => {
          if (random() < loses) proxies[i]?.dropReplies(1);
        };
        const client = new Client(scene, store, {
          worker: names[i] ?? '',
          seed: seed * 100 + i,
          beforeCall,
        });
        return client.perform(calls);
      }),
    );
  } finally {
    calm.abort();
    await weather;
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
  const reconnects = (await connectionsOf(admin)) - before;
  admin.disconnect();

  const problems = [
    ...[...scene.calls.things].flatMap(([run, history]) => judge(run, runModel, history)),
    ...[...scene.election.things].flatMap(([name, all]) => judge(name, electionModel, all)),
  ];

  const answered = scene.calls.answered + scene.election.answered;
  return { answered, unknown: scene.calls.unknown + scene.election.unknown, reconnects, problems };
}

function judge<State, Input, Answer>(
  thing: string,
  model: Model<State, Input, Answer>,
  history: readonly Operation<Input, Answer>[],
): string[] {
  const verdict: Verdict<Input, Answer> = checkHistory(model, history);
  if (verdict.linearizable) return [];
  const line = ({ call, return: end, input, answer }: Operation<Input, Answer>): string =>
    `  ${call}–${end} ${JSON.stringify(input)} → ${JSON.stringify(answer) ?? 'no answer'}`;
  return [
    [
      `${thing} has no order of its ${history.length} operations. The longest ends with`,
      ...verdict.placed.slice(-6).map(line),
      'and none of these can follow:',
      ...verdict.stuck.map(line),
    ].join('\n'),
  ];
}

interface Sky {
  readonly proxies: readonly TcpProxy[];
  readonly admin: Redis;
  readonly random: () => number;
  readonly calm: AbortSignal;
}

async function rage(storm: Storm, { proxies, admin, random, calm }: Sky): Promise<void> {
  if (storm === 'killed clients') {
    while (!calm.aborted) {
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
      await sleep(killEveryMs);
    }
  }
  if (storm === 'lost replies and cuts') {
    await Promise.all(proxies.map((proxy) => rageOver(proxy, random, calm)));
  }
}

async function rageOver(proxy: TcpProxy, random: () => number, calm: AbortSignal): Promise<void> {
  while (!calm.aborted) {
    await sleep(10 + random() * 60);
    const chance = random();
    if (chance < 0.6) proxy.cut();
    else await hold(proxy, chance > 0.985 ? longPauseMs : random() * 20);
  }
}

async function hold(proxy: TcpProxy, ms: number): Promise<void> {
  proxy.pause();
  await sleep(ms);
  proxy.resume();
}

async function connectionsOf(admin: Redis): Promise<number> {
  const found = /total_connections_received:(\d+)/.exec(await admin.info('stats'));
  return Number(found?.[1]);
}
