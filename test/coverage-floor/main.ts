/**
 * `npm run coverage [-- --record]`: how much of the folders that keep the promises is reached by the tests without Redis and
 * those on one. Exit code 1 when a share is under its floor (floor.json), or when a test fails. `--record` writes them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fallen, floorsOf, type Shares, sharesOf, type Summary } from './floor.ts';

const folders = ['core', 'engine/execution', 'redis'];
const floorFile = 'test/coverage-floor/floor.json';
const reports = 'coverage';

const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } });

const projects = ['unit', 'replacing', 'redis', 'langgraph'].flatMap((name) => ['--project', name]);
const how = ['--coverage.enabled', '--coverage.provider=v8', '--coverage.reportOnFailure'];
const where = ['--coverage.reporter=json-summary', `--coverage.reportsDirectory=${reports}`];
const what = folders.map((folder) => `--coverage.include=src/${folder}/**/*.ts`);
const args = ['run', ...projects, ...how, ...where, ...what];

await rm(reports, { recursive: true, force: true });
const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], {
  stdio: ['ignore', process.stderr, process.stderr],
});
const [code] = (await once(vitest, 'close')) as [number | null];

const summary = JSON.parse(await readFile(`${reports}/coverage-summary.json`, 'utf8')) as Summary;
const shares = sharesOf(summary, process.cwd(), folders);
for (const [folder, { lines, branches }] of Object.entries(shares)) {
  console.log(`src/${folder}: ${lines} % of lines, ${branches} % of branches`);
}
if (values.record) {
  await writeFile(floorFile, `${JSON.stringify(floorsOf(shares), undefined, 2)}\n`);
} else {
  const problems = fallen(shares, JSON.parse(await readFile(floorFile, 'utf8')) as Shares);
  for (const problem of problems) console.log(`FALLEN ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
if (code !== 0) {
  console.log('FAILED a test');
  process.exitCode = 1;
}
