/**
 * What is too long for each change, or judges speed. Each step is one command. It says by its exit code whether all is well,
 * and prints figures that stand for the night.
 */

export interface Step {
  readonly name: string;
  /** For the table of docs/nightly.md. */
  readonly what: string;
  /** `scale`: the share of the long form, for a machine that cannot carry it. What has no length is done whole. */
  readonly command: (seed: number, scale: number) => Command;
  /** Reads what the command printed. */
  readonly figures: (stdout: string, stderr: string) => string;
}

export interface Command {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The major version of Node that runs it, and all that it starts; without one, the Node of the night. */
  readonly node?: number;
}

const built = (file: string, ...args: readonly (string | number)[]): Command => ({
  args: [`.build/${file}`, ...args.map(String)],
});

/** The share of a count, one at least. */
const share = (whole: number, scale: number): number => Math.max(1, Math.round(whole * scale));

const vitest = 'node_modules/vitest/vitest.mjs';
const everyProject = [
  'unit',
  'replacing',
  'house',
  'redis',
  'chaos',
  'counting',
  'storm',
  'langgraph',
];
const tests = (projects: readonly string[], more: Partial<Command> = {}): Command => ({
  args: [vitest, 'run', ...projects.flatMap((name) => ['--project', name])],
  ...more,
});

const several = new Intl.NumberFormat('en-US');
const count = (value: unknown): string => several.format(Number(value));
const parsed = (output: string): Readonly<Record<string, unknown>> =>
  JSON.parse(lastLine(output)) as Readonly<Record<string, unknown>>;
const length = (value: unknown): string => count((value as readonly unknown[]).length);

/** Some commands say something before their report. */
function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}

/** The last line of vitest about tests, such as `Tests  1 failed | 1885 passed (1886)`. */
function ofTests(output: string): string {
  const [, ended] = [...output.matchAll(/^\s*Tests\s+(.+?)( \(\d+\))?$/gm)].at(-1) ?? [];
  if (ended === undefined) throw new Error('the tests have no report');
  return ended.replaceAll(' | ', ', ').replaceAll(/\d+/g, count);
}

function ofChat(output: string): string {
  const { answers, gapMs, violations } = parsed(output);
  const { p50, p99 } = gapMs as { readonly p50: number; readonly p99: number };
  return `${count(answers)} answers, gap ${p50} ms (p50), ${p99} ms (p99), ${length(violations)} violations`;
}

function ofRecorded(output: string): string {
  const { answers, calls, kills, violations } = parsed(output);
  return `${count(answers)} answers, ${count(calls)} calls, ${count(kills)} kills, ${length(violations)} violations`;
}

function ofPrograms(output: string): string {
  const { programs, crashes, rewinds, violations } = parsed(output);
  const faults = `${count(crashes)} crashes, ${count(rewinds)} rewinds`;
  return `${count(programs)} programs, ${faults}, ${length(violations)} violations`;
}

function ofSimulation(output: string): string {
  const { calls, runs, takeovers, violations } = parsed(output);
  const { started } = runs as { readonly started: number };
  const work = `${count(calls)} calls, ${count(started)} runs, ${count(takeovers)} take-overs`;
  return `${work}, ${length(violations)} violations`;
}

function ofMatrix(output: string): string {
  const { runs, eventsAcknowledged, eventsLost, eventsDoubled, violations } = parsed(output);
  const events = `${count(eventsAcknowledged)} events, ${count(eventsLost)} lost, ${count(eventsDoubled)} doubled`;
  return `${count(runs)} runs, ${events}, ${length(violations)} violations`;
}

function ofPoison(output: string): string {
  const { workersKilled, poisonQuarantined, poison, innocentQuarantined, violations } =
    parsed(output);
  const others = `${count(innocentQuarantined)} other runs`;
  const aside = `quarantined: ${count(poisonQuarantined)} of ${count(poison)}, and ${others}`;
  return `${count(workersKilled)} workers killed, ${aside}, ${length(violations)} violations`;
}

function lines(pattern: RegExp): Step['figures'] {
  return (stdout, stderr) =>
    `${stdout}\n${stderr}`
      .split('\n')
      .filter((line) => pattern.test(line))
      .join('; ');
}

/** Passed and failed tests of each server, out of the table. */
function ofServers(output: string): string {
  const rows = output.split('\n').map((line) => line.trim().split(/ {2,}/));
  const [head = [], ...servers] = rows.filter((cells) => cells.length > 2);
  const cell = (cells: readonly string[], name: string): string => cells[head.indexOf(name)] ?? '–';
  return servers
    .map((cells) => {
      const figures = ['passed', 'failed', 'violations'].map(
        (name) => `${cell(cells, name)} ${name}`,
      );
      return `${cell(cells, 'version')}: ${figures.join(', ')}`;
    })
    .join('; ');
}

/** The fast ones first: what is broken shows early. */
export const steps: readonly Step[] = [
  {
    name: 'guard',
    what: 'the speed of what users call, against the commit that was recorded',
    command: () => built('bench/main.js', '--guard'),
    figures: lines(/of the speed/),
  },
  {
    name: 'fuzz-redis',
    what: '500 random programs on Redis',
    command: (seed, scale) => {
      const programs = ['--programs', share(500, scale)];
      return built('test/programs/main.js', ...programs, '--seed', seed, '--redis', '--json');
    },
    figures: ofPrograms,
  },
  {
    name: 'spelling',
    what: 'each word of the pages is in a dictionary, or in the list of known words',
    command: () => ({ args: ['tools/spelling.mjs'] }),
    figures: lines(/ words, /),
  },
  {
    name: 'docs',
    what: 'the site of the pages with every link, and the API reference',
    command: () => ({ args: ['tools/docs-site.mjs'] }),
    figures: lines(/^\d[\d,]* (?:pages|names)/),
  },
  {
    name: 'docs-look',
    what: 'each page of the site in a browser: width on a telephone, errors, pictures, search',
    command: () => ({ args: ['tools/site-look.mjs'] }),
    figures: lines(/^\d[\d,]* pages/),
  },
  {
    name: 'poison',
    what: '20 runs that kill their workers among 200 others',
    command: (seed, scale) =>
      built('test/chaos/matrix/main.js', '--poison', share(20, scale), '--seed', seed, '--json'),
    figures: ofPoison,
  },
  {
    name: 'chat',
    what: '50 answers of 500 words that lose their worker',
    command: (seed, scale) =>
      built('test/chaos/chat/main.js', '--answers', share(50, scale), '--seed', seed),
    figures: ofChat,
  },
  {
    name: 'chat-recorded',
    what: '100 recorded conversations, while workers are killed',
    command: (seed, scale) =>
      built('test/chaos/chat/main.js', '--recorded', share(100, scale), '--seed', seed),
    figures: ofRecorded,
  },
  {
    name: 'simulation',
    what: 'one history of 1,000,000 script calls',
    command: (seed, scale) =>
      built(
        'test/simulation/main.js',
        '--calls',
        share(1_000_000, scale),
        '--seed',
        seed,
        '--json',
      ),
    figures: ofSimulation,
  },
  {
    name: 'matrix',
    what: 'every fault of the matrix, three minutes',
    command: (seed, scale) =>
      built('test/chaos/matrix/main.js', '--minutes', 3 * scale, '--seed', seed, '--json'),
    figures: ofMatrix,
  },
  {
    name: 'coverage',
    what: 'the share of the code that tests reach, against its floor',
    command: () => built('test/coverage-floor/main.js'),
    figures: lines(/^src\//),
  },
  {
    name: 'tests',
    what: 'all tests, with those that take long',
    command: () => tests(everyProject, { env: { PAWL_THOROUGH: '1' } }),
    figures: ofTests,
  },
  {
    name: 'fuzz',
    what: '10,000 random programs in memory',
    command: (seed, scale) =>
      built('test/programs/main.js', '--programs', share(10_000, scale), '--seed', seed, '--json'),
    figures: ofPrograms,
  },
  {
    name: 'storm',
    what: '1,000 workers killed, 2,000 runs',
    command: (seed, scale) => {
      const size = ['--kills', share(1_000, scale), '--runs', share(2_000, scale)];
      return built('test/chaos/matrix/main.js', ...size, '--seed', seed, '--json');
    },
    figures: ofMatrix,
  },
  {
    name: 'node-22',
    what: 'all tests on Node 22',
    command: () => tests(everyProject, { node: 22 }),
    figures: ofTests,
  },
  {
    name: 'node-24',
    what: 'all tests on Node 24',
    command: () => tests(everyProject, { node: 24 }),
    figures: ofTests,
  },
  {
    name: 'servers',
    what: 'the tests that touch the server, a short matrix and the demo, on each server',
    command: () => ({ args: ['tools/test-servers.mjs'] }),
    figures: ofServers,
  },
  {
    name: 'mutations',
    what: 'every planted bug',
    command: () => built('test/mutants/main.js'),
    figures: lines(/ planted, /),
  },
];
