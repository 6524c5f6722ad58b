/** `npm run bench`: measures pawl against plain Redis and plain BullMQ on this machine. `--help` tells the options. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startRedisServer } from '../src/testing/redis-server.ts';
import { runWorkload } from './contest.ts';
import { draw, toGrowthHtml, toGrowthMarkdown, type GrowthResult } from './growth-report.ts';
import { measureGrowth } from './growth.ts';
import { record, runGuard, runPlants } from './guard.ts';
import { join } from './join.ts';
import { currentLoad, describe } from './machine.ts';
import { type Options, readOptions, usage } from './options.ts';
import { toHtml } from './report-html.ts';
import { toMarkdown, toText, withTables } from './report-text.ts';
import type { Fsync, Result, Row } from './result.ts';
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

async function measure(options: Options): Promise<Result> {
  const startedAt = performance.now();
  const loadAtStart = currentLoad();
  const server = await startRedisServer({ config });
  const { url } = server;
  const rows: Row[] = [];
  try {
    for (const fsync of ['everysec', 'always'] as const satisfies readonly Fsync[]) {
      for (const workload of workloads) {
        if (options.only?.test(workload.name) === false) continue;
        if (options.fsync !== undefined && options.fsync !== fsync) continue;
        if (options.quick && options.only === undefined && workload.fullOnly === true) continue;
        const again = workload.durable && (!options.quick || quickDurable.has(workload.name));
        if (fsync === 'always' && !again) continue;
        const seconds = Math.round((performance.now() - startedAt) / 1000);
        say(`${seconds} s: ${workload.title}${fsync === 'always' ? ', fsync always' : ''}`);
        try {
          rows.push(...(await runWorkload(workload, fsync, { ...options, url, say })));
        } catch (error) {
          // What was measured before it is not lost, nor what comes after it.
          say(`FAILED ${workload.name}: ${String(error)}`);
          process.exitCode = 1;
        }
      }
    }
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
      : join(await Promise.all(options.from.map(readResult)));
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
