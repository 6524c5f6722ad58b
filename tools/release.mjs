/**
 * Makes a release: `node tools/release.mjs` checks all of it and publishes nothing; with `--publish` it publishes.
 *
 *   the tree is clean ─▶ CHANGELOG has the version ─▶ all tests ─▶ build ─▶ pack ─▶ linters ─▶ publish
 *
 * Each step throws, and nothing is published before all of them are done. The tests are those of `.ci/run`; without
 * `--publish` they are left out, because they take long. `--publish` signs where the package comes from (provenance), which
 * npm allows in CI alone.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const isPublishing = process.argv.includes('--publish');
const linters = { publint: 'publint@0.3.25', attw: '@arethetypeswrong/cli@0.18.5' };

function run(command, args, cwd = root) {
  console.log(`$ ${[command, ...args].join(' ')}`);
  execFileSync(command, args, { cwd, stdio: 'inherit' });
}

function read(command, args, cwd = root) {
  return execFileSync(command, args, { cwd, encoding: 'utf8' }).trim();
}

function must(isTrue, problem) {
  if (!isTrue) throw new Error(`${problem} Nothing was published.`);
}

/** Packs a folder, and has both linters look at the file that npm would publish. */
function packed(folder, into) {
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', into];
  const [{ filename }] = Object.values(JSON.parse(read('npm', pack, folder)));
  const file = join(into, filename);
  run('npx', ['--yes', linters.publint, file]);
  return file;
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const create = JSON.parse(readFileSync(join(root, 'create-pawl/package.json'), 'utf8'));
const changes = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
const hasSection = new RegExp(`^## ${version.replaceAll('.', String.raw`\.`)} `, 'm').test(changes);
const isClean = read('git', ['status', '--porcelain']) === '';
if (isPublishing) {
  must(isClean, 'The tree has changes.');
  must(hasSection, `CHANGELOG.md has no section "## ${version} (date)".`);
} else {
  console.log(`dry run of ${version}: clean tree ${isClean}, section in CHANGELOG ${hasSection}`);
}
must(create.version === version, 'create-pawl has another version.');
must(create.dependencies.pawl === version, 'create-pawl depends on another version.');

if (isPublishing) run('bash', ['.ci/run']);
const folder = mkdtempSync(join(tmpdir(), 'pawl-release-'));
try {
  run('npm', ['run', '-s', 'prepack']);
  const files = [packed(root, folder), packed(join(root, 'create-pawl'), folder)];
  // node10 is what TypeScript has given up; it cannot read `exports`.
  run('npx', ['--yes', '-p', linters.attw, 'attw', files[0], '--profile', 'node16', '-f', 'ascii']);
  for (const file of files) {
    const how = isPublishing ? ['--provenance'] : ['--dry-run'];
    run('npm', ['publish', file, '--access', 'public', ...how]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
