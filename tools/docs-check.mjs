/**
 * `npm run docs:check`: every word, link, sentence and block of the pages. Spelling is checked while the package is built,
 * and the package is only built when it is older than its sources. The tests then compile and run the blocks against it.
 */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

process.chdir(new URL('..', import.meta.url).pathname);
const begunAt = performance.now();
const house = ['house/readme', 'house/prose', 'house/recipes', 'house/texts'];
const played = ['integration/docs', 'integration/tutorial', 'integration/bundle'];
/** Newer versions of Node keep there what they have compiled; a page starts many programs. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(process.cwd(), '.build/compile-cache') };
const generated = /\.gen\.ts$/;

function play(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}`));
    });
  });
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The commands of the pages are the last that a build makes. */
function isBuilt() {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.\w+$/.test(name) && !generated.test(name))
    .map((name) => join('src', name));
  const newest = Math.max(...[...sources, 'package.json', 'package-lock.json'].map(changedAt));
  return ['dist/index.cjs', 'dist/testing.d.cts'].every((file) => changedAt(file) > newest);
}

await Promise.all([
  play(process.execPath, ['tools/spelling.mjs']),
  isBuilt() ? undefined : play('npm', ['run', '--silent', 'build']),
]);
const tests = ['run', '--project', 'house', '--project', 'redis', ...house, ...played];
await play('node_modules/.bin/vitest', tests);
console.log(`the pages were checked in ${((performance.now() - begunAt) / 1_000).toFixed(1)} s`);
