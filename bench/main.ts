/** `npm run bench`: measures pawl against plain Redis and plain BullMQ on this machine. `--help` tells the options. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startRedisServer } from '../src/testing/redis-server.ts';
import { runWorkload } from './contest.ts';
import { draw, toGrowthHtml, toGrowthMarkdown, type GrowthResult } from './growth-report.ts';
import { measureGrowth } from './growth.ts';
import { record, runGuard, runPlants } from './guard.ts';
import { joined } from './joined.ts';
import { currentLoad, describe } from './machine.ts';
import { type Options, readOptions, usage } from './options.ts';
import { toHtml } from './report-html.ts';
import { toMarkdown, toText, withTables } from './report-text.ts';
import type { Fsync, Result } from './result.ts';
import type { Workload } from './workload.ts';
import { workloads } from './workloads.ts';

const reportFile = fileURLToPath(new URL('../../bench/report.html', import.meta.url));
const growthFile = fileURLToPath(new URL('../../bench/growth.html', import.meta.url));
const docsFile = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
/** The ones that `--quick` measures again with appendfsync always. */
const quickDurable = new Set(['append-64']);

/** Redis must not rewrite its file by itself in the middle of a measurement. */
const config = { 'auto-aof-rewrite-percentage': '0' };

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What is to be measured, in the order of the report. */
function asked({ only, quick, ...options }: Options): { workload: Workload; fsync: Fsync }[] {
  const chosen = workloads.filter(
    ({ name, fullOnly }) => only?.test(name) ?? !(quick && fullOnly === true),
  );
  const durable = chosen.filter(
    (workload) => workload.durable && (!quick || quickDurable.has(workload.name)),
  );
  return [
    ...chosen.map((workload) => ({ workload, fsync: 'everysec' as const })),
    ...durable.map((workload) => ({ workload, fsync: 'always' as const })),
  ].filter(({ fsync }) => options.fsync === undefined || options.fsync === fsync);
}

async function measure(options: Options): Promise<Result> {
  const pieces: Result[] = [];
  const startedAt = performance.now();
  if (options.into !== undefined) await mkdir(options.into, { recursive: true });
  for (const { workload, fsync } of asked(options)) {
    const file = options.into && join(options.into, `${workload.name}-${fsync}.json`);
    if (file !== undefined && existsSync(file)) {
      pieces.push(await readResult(file));
      continue;
    }
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    say(`${seconds} s: ${workload.title}${fsync === 'always' ? ', fsync always' : ''}`);
    try {
      const piece = await measureOne(workload, fsync, options);
      pieces.push(piece);
      if (file !== undefined) await writeFile(file, JSON.stringify(piece));
    } catch (error) {
      // What was measured before it is not lost, nor what comes after it.
      say(`FAILED ${workload.name}: ${String(error)}`);
      process.exitCode = 1;
    }
  }
  return joined(pieces);
}

/** With a server of its own, so that nothing of the one before is part of it. */
async function measureOne(workload: Workload, fsync: Fsync, options: Options): Promise<Result> {
  const startedAt = performance.now();
  const loadAtStart = currentLoad();
  const server = await startRedisServer({ config });
  const { url } = server;
  try {
    const rows = await runWorkload(workload, fsync, { ...options, url, say });
    return {
      rows,
      machine: await describe(url, loadAtStart),
      quick: options.quick,
      seconds: Math.round((performance.now() - startedAt) / 100) / 10,
      at: new Date().toISOString(),
    };
  } finally {
    await server.stop();
  }
}

async function readResult(file: string): Promise<Result> {
  return JSON.parse(await readFile(file, 'utf8')) as Result;
}

async function showGrowth(options: Options): Promise<void> {
  const startedAt = performance.now();
  const loadAtStart = currentLoad();
  const curves = await measureGrowth({ ...options, say });
  const server = await startRedisServer();
  const machine = await describe(server.url, loadAtStart);
  await server.stop();
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const result: GrowthResult = {
    curves,
    machine,
    seconds,
    quick: options.quick,
    at: new Date().toISOString(),
  };
  await writeFile(growthFile, toGrowthHtml(result));
  const markdown = toGrowthMarkdown(result);
  if (options.docs) {
    for (const curve of curves) {
      await writeFile(new URL(`${curve.name}.svg`, pathToFileURL(docsFile)), draw(curve));
    }
    const page = await readFile(docsFile, 'utf8');
    await writeFile(docsFile, withTables(page, markdown, 'growth'));
  }
  process.stdout.write(`${options.json ? JSON.stringify(result, undefined, 1) : markdown}\n`);
  say(`Charts: ${growthFile}`);
}

const options = readOptions(process.argv.slice(2));
if (options.help) {
  process.stdout.write(`${usage}\n`);
} else if (options.guard) {
  const server = await startRedisServer({ config });
  try {
    const guarding = { ...options, url: server.url, say };
    if (options.record) await record(guarding);
    else process.exitCode = (await (options.plants ? runPlants : runGuard)(guarding)) ? 0 : 1;
  } finally {
    await server.stop();
  }
} else if (options.growth) {
  await showGrowth(options);
} else {
  const result =
    options.from === undefined
      ? await measure(options)
      : joined(await Promise.all(options.from.map(readResult)));
  await writeFile(reportFile, toHtml(result));
  if (options.docs) {
    await writeFile(docsFile, withTables(await readFile(docsFile, 'utf8'), toMarkdown(result)));
  }
  const output = options.json
    ? JSON.stringify(result, undefined, 1)
    : options.markdown
      ? toMarkdown(result)
      : toText(result);
  process.stdout.write(`${output}\n`);
  say(`Charts: ${reportFile}`);
}
