/**
 * The fault matrix: `npm run test:chaos`. Real workers on a private Redis execute runs while one fault after the other is
 * injected; then everything that was told meanwhile is compared with what Redis holds.
 *
 *   options ─▶ world ─▶ runs start, faults happen ─▶ all runs end ─▶ verdict ─▶ report
 */
import { type Options, readOptions, usage, UsageError } from './options.ts';
import { faults } from './faults/all.ts';
import { readLogs } from './logs.ts';
import { follow, planOf } from './plan.ts';
import { Random } from './random.ts';
import { reportOf, toTable } from './report.ts';
import { judgeWorld } from './verdict.ts';
import { openWorld } from './world.ts';

const settleMs = 90_000;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function play(options: Options) {
  const random = new Random(options.seed);
  const world = await openWorld({
    ...{ random: random.fork(), workers: options.workers, appendfsync: 'always', deletes: false },
    ...{ say, isLong: options.minutes >= 10, allowance: () => options.runs ?? Infinity },
  });
  try {
    const until = performance.now() + options.minutes * 60_000;
    world.driver.begin();
    const counts = await follow(
      planOf(faults, random.fork(), { min: 100, max: 1000 }),
      world,
      () => performance.now() > until,
    );
    const left = await world.driver.settle(settleMs);
    for (const run of left) world.witness.problem(`${run} does not end`);
    const logs = await readLogs(world.server.url, world.prefix);
    const verdict = judgeWorld(logs, world.witness, { mayForget: false });
    return reportOf(options, counts, logs.length, verdict);
  } finally {
    await world.close();
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') return void process.stdout.write(usage);
  if (options === 'list') {
    return void process.stdout.write(`${faults.map(({ name }) => name).join('\n')}\n`);
  }
  say(`seed ${options.seed}`);
  const report = await play(options);
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : toTable(report));
  process.exitCode = report.violations.length === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`${error.message}\nnpm run test:chaos -- --help shows all options.`);
  process.exitCode = 2;
}
