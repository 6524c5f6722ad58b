/**
 * `npm run bench:savers [-- --steps N --rounds N]`: what a step of a LangGraph agent costs on each saver, in time and in
 * bytes. One agent adds a message of a kilobyte in each step, beside a context of 20 KB that stays.
 *
 * The savers of SQLite and Postgres are no dependencies. They take part where `PAWL_BENCH_SAVERS` names a folder in whose
 * `node_modules` they are installed; that of Postgres also needs `PAWL_BENCH_POSTGRES`, the address of a database.
 */
import { Annotation, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { PawlSaver } from '../src/langgraph.ts';
import { startRedisServer } from '../src/testing/redis-server.ts';
import { median, quantile } from './statistics.ts';

const { values } = parseArgs({
  options: { steps: { type: 'string', default: '200' }, rounds: { type: 'string', default: '3' } },
});
const steps = Number(values.steps);

interface Opened {
  readonly saver: BaseCheckpointSaver;
  /** What is stored, in bytes. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}

interface Contender {
  readonly name: string;
  open(): Promise<Opened>;
}

const { PAWL_BENCH_SAVERS: folder, PAWL_BENCH_POSTGRES: postgres } = process.env;

async function installed(name: string): Promise<Record<string, never>> {
  const from = createRequire(join(folder ?? '.', 'package.json'));
  return (await import(pathToFileURL(from.resolve(name)).href)) as Record<string, never>;
}

const memory: Contender = {
  name: 'MemorySaver',
  open: () => {
    const saver = new MemorySaver();
    const bytes = () => Promise.resolve(sizeOf(saver.storage) + sizeOf(saver.writes));
    return Promise.resolve({ saver, bytes, close: () => Promise.resolve() });
  },
};

/** The bytes in nested objects. */
function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.entries(value).reduce((sum, [key, one]) => sum + key.length + sizeOf(one), 0);
}

const pawl = (appendfsync: 'everysec' | 'always'): Contender => ({
  name: `PawlSaver, appendfsync ${appendfsync}`,
  async open() {
    const server = await startRedisServer({ config: { appendonly: 'yes', appendfsync } });
    const redis = new Redis(server.url);
    const saver = await PawlSaver.open({ redis: server.url, logger: false });
    return {
      saver,
      async bytes() {
        const sizes = await Promise.all(
          (await redis.keys('*')).map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)),
        );
        return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
      },
      async close() {
        redis.disconnect();
        await saver.close();
        await server.stop();
      },
    };
  },
});

const sqlite: Contender = {
  name: 'SqliteSaver',
  async open() {
    const { SqliteSaver } = (await installed(
      '@langchain/langgraph-checkpoint-sqlite',
    )) as unknown as {
      readonly SqliteSaver: { fromConnString(path: string): BaseCheckpointSaver };
    };
    const place = await mkdtemp(join(tmpdir(), 'savers-'));
    const file = join(place, 'threads.db');
    return {
      saver: SqliteSaver.fromConnString(file),
      async bytes() {
        const sizes = await Promise.all(
          [file, `${file}-wal`].map((path) => stat(path).catch(() => undefined)),
        );
        return sizes.reduce((sum, one) => sum + (one?.size ?? 0), 0);
      },
      close: () => rm(place, { recursive: true }),
    };
  },
};

interface PostgresSaver extends BaseCheckpointSaver {
  setup(): Promise<void>;
  end(): Promise<void>;
  readonly pool: {
    query(sql: string): Promise<{ readonly rows: readonly { readonly size: string }[] }>;
  };
}

const ofPostgres: Contender = {
  name: 'PostgresSaver',
  async open() {
    const { PostgresSaver: Saver } = (await installed(
      '@langchain/langgraph-checkpoint-postgres',
    )) as unknown as {
      readonly PostgresSaver: { fromConnString(url: string, options: object): PostgresSaver };
    };
    const schema = `bench_${randomBytes(4).toString('hex')}`;
    const saver = Saver.fromConnString(String(postgres), { schema });
    await saver.setup();
    return {
      saver,
      async bytes() {
        const { rows } = await saver.pool.query(
          `select coalesce(sum(pg_total_relation_size(c.oid)), 0) as size from pg_class c
           join pg_namespace n on n.oid = c.relnamespace where n.nspname = '${schema}' and c.relkind = 'r'`,
        );
        return Number(rows[0]?.size);
      },
      async close() {
        await saver.pool.query(`drop schema ${schema} cascade`);
        await saver.end();
      },
    };
  },
};

const State = Annotation.Root({
  context: Annotation<string>(),
  messages: Annotation<string[]>({ reducer: (all, more) => all.concat(more), default: () => [] }),
});

interface Figures {
  readonly putMs: readonly number[];
  readonly stepMs: number;
  readonly loadMs: number;
  readonly bytesPerStep: number;
}

async function play(contender: Contender): Promise<Figures> {
  const opened = await contender.open();
  const { saver } = opened;
  const putMs: number[] = [];
  const put = saver.put.bind(saver);
  saver.put = async (...call) => {
    const began = performance.now();
    const config = await put(...call);
    putMs.push(performance.now() - began);
    return config;
  };
  const graph = new StateGraph(State)
    .addNode('add', () => ({ messages: [randomBytes(512).toString('hex')] }))
    .addEdge(START, 'add')
    .addConditionalEdges('add', ({ messages }) => (messages.length < steps ? 'add' : '__end__'))
    .compile({ checkpointer: saver });
  const config = { configurable: { thread_id: 'agent' }, recursionLimit: 2 * steps };
  const context = randomBytes(10_240).toString('hex');
  const began = performance.now();
  await graph.invoke({ context }, { ...config, durability: 'sync' });
  const stepMs = (performance.now() - began) / steps;
  const loading = performance.now();
  for (let i = 0; i < 20; i++) await graph.getState(config);
  const loadMs = (performance.now() - loading) / 20;
  const bytesPerStep = (await opened.bytes()) / steps;
  await opened.close();
  return { putMs, stepMs, loadMs, bytesPerStep };
}

const contenders = [
  memory,
  pawl('everysec'),
  pawl('always'),
  ...(folder === undefined ? [] : [sqlite]),
  ...(folder === undefined || postgres === undefined ? [] : [ofPostgres]),
];
const played = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const contender of contenders) played.get(contender.name)?.push(await play(contender));
}
console.log(
  `| saver | put, p50 | put, p99 | a step | getState | bytes a step |\n|---|---|---|---|---|---|`,
);
for (const [name, rounds] of played) {
  const ms = (of: (figures: Figures) => number): string =>
    `${median(rounds.map(of)).toFixed(2)} ms`;
  const cells = [
    name,
    ms(({ putMs }) => quantile(putMs, 0.5)),
    ms(({ putMs }) => quantile(putMs, 0.99)),
    ms(({ stepMs }) => stepMs),
    ms(({ loadMs }) => loadMs),
    Math.round(median(rounds.map(({ bytesPerStep }) => bytesPerStep))).toLocaleString('en-US'),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
