// `npm run test:servers`: tests, a short fault matrix and the demo, on each server that people run, and a table. A server
// that cannot be had is left out and named; one that was asked for by its name must be had. Exit code 1 when anything
// failed, 2 when the command line is wrong.
import { parseArgs } from 'node:util';
import { provideServer } from './servers/cache.mjs';
import { catalogue, Unavailable } from './servers/catalogue.mjs';
import { installed, versionOf } from './servers/installed.mjs';
import { tryServer } from './servers/trial.mjs';

const names = ['installed', ...catalogue.map(({ name }) => name)];
const usage = `npm run test:servers -- [--all | --short] [name ...]

  name     ${names.join(', ')} (default every one; installed: the one on the PATH)
  --all    every test that needs Redis, and those of a Cluster and of Sentinel with faults
  --short  only the tests that a server answers most in its own way, and no faults
`;
const say = (line) => console.error(line);

async function rowOf(name, { choice, isNamed }) {
  const server = catalogue.find((one) => one.name === name);
  let binary;
  try {
    binary = server === undefined ? installed() : await provideServer(server, say);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    say(`${name} cannot be had. ${error.message}`);
    return { cells: [name, 'cannot be had'], isFine: !isNamed };
  }
  const version = versionOf(binary);
  say(`${name}: ${version}`);
  const { tests, matrix, demo, seconds } = await tryServer(binary, choice);
  for (const problem of tests.problems) say(`FAILED on ${name}: ${String(problem)}`);
  for (const violation of matrix?.violations ?? []) say(`VIOLATED on ${name}: ${violation}`);
  const { eventsAcknowledged, eventsLost, eventsDoubled, violations } = matrix ?? {};
  const faults = [eventsAcknowledged, eventsLost, eventsDoubled, violations?.length];
  const verdict = demo === undefined ? undefined : demo.ok ? 'passed' : 'failed';
  if (verdict === 'failed') say(`The demo failed on ${name}: ${JSON.stringify(demo)}`);
  return {
    cells: [name, version, tests.passed, tests.skipped, tests.failed, ...faults, verdict, seconds],
    isFine:
      tests.passed > 0 &&
      tests.problems.length === 0 &&
      (violations ?? []).length === 0 &&
      verdict !== 'failed',
  };
}

function table(rows) {
  const head = ['server', 'version', 'passed', 'skipped', 'failed'];
  const all = [[...head, 'events', 'lost', 'doubled', 'violations', 'demo', 'seconds'], ...rows];
  const texts = all.map((cells) => cells.map((cell) => String(cell ?? '–')));
  const widths = texts[0].map((_, i) => Math.max(...texts.map((cells) => cells[i]?.length ?? 0)));
  const lines = texts.map((cells) => cells.map((cell, i) => cell.padEnd(widths[i])).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

let asked;
try {
  const options = { all: { type: 'boolean' }, short: { type: 'boolean' } };
  asked = parseArgs({ options, allowPositionals: true });
} catch (error) {
  say(error.message);
}
if (asked === undefined || asked.positionals.some((name) => !names.includes(name))) {
  say(usage);
  process.exitCode = 2;
} else {
  const { all, short } = asked.values;
  const choice = all ? 'all' : short ? 'short' : 'most';
  const isNamed = asked.positionals.length > 0;
  const rows = [];
  for (const name of isNamed ? asked.positionals : names) {
    const row = await rowOf(name, { choice, isNamed });
    rows.push(row);
    // Also here, since the whole takes long and may be ended before its table.
    say(table([row.cells]));
  }
  console.log(table(rows.map(({ cells }) => cells)));
  process.exitCode = rows.every(({ isFine }) => isFine) ? 0 : 1;
}
