/**
 * `npm run nightly [-- --only name,name]`: everything that takes long or judges speed, one after the other, and the last
 * figures of each in docs/nightly.md. Exit code 1 when a step fails; 2 when the command line is wrong.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { duration, withNight } from './page.ts';
import { play } from './play.ts';
import { type Step, steps } from './steps.ts';

const page = 'docs/nightly.md';
const logs = '.build/nightly';
const usage = `npm run nightly -- [--only name,name] [--seed N] [--scale 0.1] [--list]

  --only   these steps: ${steps.map(({ name }) => name).join(', ')}
  --seed   for what is random (default the date, as 20261127)
  --scale  the share of the long form, above 0 (default 1): programs, calls, minutes, kills
  --list   prints the steps and what they do
`;

interface Night {
  readonly chosen: readonly Step[];
  readonly seed: number;
  readonly scale: number;
}

function asked() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        seed: { type: 'string' },
        scale: { type: 'string', default: '1' },
        list: { type: 'boolean', default: false },
      },
    });
    const names = values.only?.split(',') ?? steps.map(({ name }) => name);
    if (names.some((name) => steps.every((step) => step.name !== name))) return undefined;
    const seed = Number(values.seed ?? today().replaceAll('-', ''));
    if (!Number.isSafeInteger(seed) || seed < 0) return undefined;
    const scale = Number(values.scale);
    if (!(scale > 0 && scale <= 1)) return undefined;
    const chosen = steps.filter(({ name }) => names.includes(name));
    return { chosen, seed, scale, list: values.list };
  } catch {
    return undefined;
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** A plus stands for changes that were not committed. This page is written by each step, so it does not count. */
function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', '.', `:!${page}`);
  return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`;
}

async function night({ chosen, seed, scale }: Night): Promise<void> {
  const code = commit();
  for (const step of chosen) {
    process.stdout.write(`${step.name}: `);
    const { ms, passed, figures, log } = await play(step, { seed, scale, folder: logs });
    console.log(`${passed ? 'passed' : 'FAILED'} in ${duration(ms)}. ${figures} (${log})`);
    const row = { date: today(), commit: code, ms, figures, passed };
    // At once: a night that is ended keeps what it has found.
    await writeFile(page, withNight(await readFile(page, 'utf8'), step, row));
    if (!passed) process.exitCode = 1;
  }
}

const options = asked();
if (options === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else if (options.list) {
  for (const { name, what } of steps) console.log(`${name.padEnd(10)}  ${what}`);
} else {
  await night(options);
}
