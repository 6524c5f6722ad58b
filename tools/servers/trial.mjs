// What is run on a server: tests of the project with PAWL_REDIS_SERVER set, a short fault matrix, and the demo.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const conformance = (name) => `test/conformance/${name}.test.ts`;
const integration = (name) => `test/integration/${name}.test.ts`;

/** The tests that a server answers most in its own way. */
const telling = [
  ...['redis', 'redis-checkpointer'].map(conformance),
  ...['acl', 'cost', 'durability', 'redis-server', 'script-command'].map(integration),
];
/** The others that touch the server: its queue, its replicas, its disk, its TLS, its Cluster, its faults. */
const touching = [
  ...['bullmq', 'redis-durable', 'redis-shards'].map(conformance),
  ...['announcements', 'append-groups', 'cluster-access', 'damage', 'doctor'].map(integration),
  ...['durability-disk', 'read-only-master', 'shards', 'silent-connections'].map(integration),
  ...['tls', 'full-save'].map(integration),
];
/** Of the tests with faults, those of what servers do among themselves. */
const together = ['cluster', 'sentinel'].map((name) => `test/chaos/${name}.test.ts`);

/** Arguments of one run of the tests after the other. */
const choices = {
  all: [
    ['--project', 'redis'],
    ['--project', 'chaos', ...together],
  ],
  most: [['--project', 'redis', ...telling, ...touching]],
  short: [['--project', 'redis', ...telling]],
};
const seed = '20';
const matrixMinutes = '0.5';

/** Runs `all` the tests on Redis, or `most` that touch the server, matrix and demo; or a `short` choice of tests alone. */
export async function tryServer(binary, choice) {
  const startedAt = performance.now();
  const tests = { passed: 0, skipped: 0, failed: 0, problems: [] };
  for (const args of choices[choice]) {
    const more = await runTests(binary, args);
    for (const key of ['passed', 'skipped', 'failed']) tests[key] += more[key];
    tests.problems.push(...more.problems);
  }
  const isShort = choice === 'short';
  const matrix = isShort ? undefined : await runMatrix(binary);
  const demo = isShort ? undefined : await runDemo(binary);
  return { tests, matrix, demo, seconds: Math.round((performance.now() - startedAt) / 1000) };
}

/** One run of vitest on a server, with more of the environment. */
export async function runTests(binary, args, env = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-servers-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...args];
    const output = ['--reporter=json', `--outputFile=${report}`];
    const { stderr } = await runNode([...vitest, ...output], binary, env);
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

/** The demo, and whether it passed its own verdict. */
async function runDemo(binary) {
  const options = ['--runs', '20', '--workers', '3', '--kills', '4', '--seed', seed, '--json'];
  const { stdout, stderr } = await runNode(['.build/examples/demo/main.js', ...options], binary);
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`The demo did not come to its verdict:\n${stderr}`);
  }
}

async function runNode(args, binary, more = {}) {
  const { PAWL_REDIS_URL: _, REDIS_URL: __, PAWL_TEST_REDIS: ___, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, PAWL_REDIS_SERVER: binary, PAWL_THOROUGH: '1', NO_COLOR: '1', ...more },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}
