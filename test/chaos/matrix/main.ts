/**
 * The fault matrix: `npm run test:chaos`. Real workers on a private Redis execute runs while one fault after the other is
 * injected; then everything that was told meanwhile is compared with what Redis holds.
 *
 *   options ─▶ world ─▶ runs start, faults happen ─▶ all runs end ─▶ verdict ─▶ report
 */
import { campaign } from './campaign.ts';
import { faults } from './faults/all.ts';
import { type Options, readOptions, usage, UsageError } from './options.ts';
import { reportOf, toTable } from './report.ts';
import { trial } from '../poison/trial.ts';
import { soak } from './soak.ts';

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function reportFor(options: Options): Promise<{ readonly violations: readonly string[] }> {
  const { poison, runs: innocent = 200 } = options;
  if (poison !== undefined) return trial({ ...options, poison, innocent });
  if (options.soak) return soak(options, say);
  return reportOf(options, await campaign(options, faults, say));
}

async function main(): Promise<void> {
  const options = readOptions(
    process.argv.slice(2),
    faults.map(({ name }) => name),
  );
  if (options === 'help') return void process.stdout.write(usage);
  if (options === 'list') {
    return void process.stdout.write(`${faults.map(({ name }) => name).join('\n')}\n`);
  }
  say(`seed ${options.seed}`);
  const report = await reportFor(options);
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
