// Every check that needs no Redis, two at a time: types, lint, format, dead code, house rules.
import { execFileSync, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

const bin = (name) => `node_modules/.bin/${name}`;

// The slow ones first, so that the short ones fill the gaps.
const checks = [
  ['house rules', bin('vitest'), ['run', '--project', 'house']],
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['types of the pages', bin('tsc'), ['-p', 'src/dashboard/browser']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings']],
  ['dead code', bin('knip'), ['--no-progress']],
  ['format', bin('oxfmt'), ['--check']],
];

function run([name, command, args]) {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    let output = '';
    const env = { ...process.env, NO_COLOR: '1' };
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += `${error.message}; run \`npm install\` first\n`));
    child.on('close', (code) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
      resolve({ name, output, ok: code === 0 });
    });
  });
}

process.chdir(new URL('..', import.meta.url).pathname);
execFileSync(process.execPath, ['tools/embed-lua.mjs'], { stdio: 'inherit' });
const waiting = [...checks];
const results = [];
const worker = async () => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    results.push(await run(next));
  }
};
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));

const failed = results.filter((result) => !result.ok);
for (const { name, output } of failed) console.log(`\n── ${name} ──\n${output.trim()}`);
console.log(failed.length === 0 ? `${results.length} checks passed` : `\n${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
