// What is run on a server: tests of the project with PAWL_REDIS_SERVER set, and a short fault matrix.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Of the tests on Redis, those that a server answers most in its own way; each is the beginning of a path. */
const telling = [
  'test/conformance/redis.test.ts',
  'test/conformance/redis-checkpointer.test.ts',
  'test/integration/acl.test.ts',
  'test/integration/cost.test.ts',
  'test/integration/durability.test.ts',
  'test/integration/redis-server.test.ts',
  'test/integration/script-command.test.ts',
];
/** Those that take long, and ask nothing of a server that others do not. They are a third of the tests' time, and more. */
const elsewhere = [
  'test/integration/{cli,cli-completion,cli-typescript,cli-watch,docs,examples,package}.test.ts',
  'test/integration/{hostile-names,overload,programs}.test.ts',
  'test/simulation/simulation.test.ts',
];
const choices = {
  all: [],
  most: elsewhere.flatMap((files) => ['--exclude', files]),
  short: telling,
};
const seed = '20';
const matrixMinutes = '0.5';

/** Runs `all` the tests that need Redis, or `most`, and the matrix; or only a `short` choice of them. */
export async function tryServer(binary, choice) {
  const startedAt = performance.now();
  const tests = await runTests(binary, choices[choice]);
  const matrix = choice === 'short' ? undefined : await runMatrix(binary);
  return { tests, matrix, seconds: Math.round((performance.now() - startedAt) / 1000) };
}

async function runTests(binary, choice) {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-servers-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'redis', ...choice];
    const output = ['--reporter=json', `--outputFile=${report}`];
    const { stderr } = await runNode([...vitest, ...output], binary);
    const results = JSON.parse(
      await readFile(report, 'utf8').catch(() => {
        throw new Error(`The tests did not run:\n${stderr}`);
      }),
    );
    return {
      passed: results.numPassedTests,
      skipped: results.numPendingTests + results.numTodoTests,
      failed: results.numFailedTests,
      problems: results.testResults.flatMap(problemsOf),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file that cannot be loaded, or whose preparation fails, has no failed test. */
function problemsOf({ name, status, message, assertionResults }) {
  const failed = assertionResults.filter((one) => one.status === 'failed');
  if (status === 'failed' && failed.length === 0) return [`${name}: ${message}`];
  return failed.map((one) => `${name}: ${one.fullName}: ${one.failureMessages.join('\n')}`);
}

async function runMatrix(binary) {
  const options = ['--seed', seed, '--minutes', matrixMinutes, '--json'];
  const { stdout, stderr } = await runNode(
    ['.build/test/chaos/matrix/main.js', ...options],
    binary,
  );
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`The matrix did not come to its report:\n${stderr}`);
  }
}

async function runNode(args, binary) {
  const { PAWL_REDIS_URL: _, REDIS_URL: __, PAWL_TEST_REDIS: ___, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, PAWL_REDIS_SERVER: binary, NO_COLOR: '1' },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}
