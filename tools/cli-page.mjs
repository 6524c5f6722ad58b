/**
 * Plays the commands of docs/cli.md on a Redis, and puts what they print into the page: `node tools/cli-page.mjs <url>`.
 * With `--check`, the page is left as it is, and the exit code tells whether it says what the commands do.
 * A command of the page is a line that begins with `$ ` in a block of the language `console`. Needs `npm run build`.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const page = path('docs/cli.md');
const cli = path('dist/cli/main.js');
const [url, ...flags] = process.argv.slice(2);
const env = {
  ...process.env,
  PAWL_REDIS: url,
  PAWL_PREFIX: `page-${process.pid}`,
  PAWL_ACTOR: 'ada',
  NO_COLOR: '1',
  PAWL_RUNS: 'runs.mjs',
  PAWL_CLI: cli,
  PAWL_NODE: process.execPath,
};
const cwd = path('examples/airline');

/** What a terminal shows: both outputs, and an exit code that is not 0. */
function play(command) {
  const script = `pawl() { "$PAWL_NODE" "$PAWL_CLI" "$@"; }\n{ ${command}\n} 2>&1`;
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { env, cwd }, (error, stdout) => {
      resolve(error ? `${stdout}(exit code ${error.code})\n` : stdout);
    });
  });
}

/** Times and names of workers are of the day; how often a snapshot is taken depends on the machine's pace. */
function settled(text) {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-11-21T09:00:00.000Z')
    .replaceAll(/[A-Za-z0-9_.-]+-\d+-[0-9a-f]{12}\b/g, 'worker-1')
    .replaceAll(/version \d+, up to seq \d+/g, 'version 1, up to seq 13')
    .replaceAll(/^\d+-0(?= )/gm, '1-0');
}

async function played(text) {
  const lines = [];
  let isConsole = false;
  for (const line of text.split('\n')) {
    const isFence = line.startsWith('```');
    if (isFence) isConsole = line === '```console';
    if (!isConsole || isFence || line.startsWith('$ ')) lines.push(line);
    if (!isConsole || !line.startsWith('$ ')) continue;
    const output = settled(await play(line.slice(2))).trimEnd();
    if (output !== '') lines.push(...output.split('\n').map((one) => one.trimEnd()));
  }
  return lines.join('\n');
}

const worker = spawn(process.execPath, [cli, 'dev', '--json'], { env, cwd });
try {
  await once(createInterface(worker.stdout), 'line');
  const before = await readFile(page, 'utf8');
  const after = await played(before);
  if (!flags.includes('--check')) await writeFile(page, after);
  else if (before !== after) {
    process.stderr.write(`docs/cli.md does not say what the commands do. They do:\n${after}`);
    process.exitCode = 1;
  }
  await play('pawl runs delete --workflow airline --yes --quiet');
} finally {
  worker.kill('SIGINT');
  await once(worker, 'exit');
}
