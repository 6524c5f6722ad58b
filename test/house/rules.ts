/**
 * The house rules that can be read off the text. Each names what to do instead, and carries a sample it must catch: a
 * rule that finds nothing because it no longer looks is worse than none.
 */
import { posix } from 'node:path';
import { code, source, sources, type Source } from './sources.ts';

export interface Rule {
  readonly name: string;
  /** What it looks at. */
  readonly files: () => readonly Source[];
  /** Fewer files than this and the rule has lost its subject. */
  readonly filesMin: number;
  /** The problems of one file, as sentences. */
  readonly problems: (source: Source) => string[];
  /** Must be caught. */
  readonly planted: Source;
  /** Must pass. */
  readonly clean: Source;
}

const codeLengthMax = 110;
/** Comments may be as wide as the drawings among them need. */
const proseLengthMax = 125;
const fileLinesMax = 500;

// The engine's rooms: each is given what lies below it, and itself.
const definition = ['src/core/', 'src/engine/definition/', 'node:'];
const shared = [...definition, 'src/engine/*'];
const runs = [...shared, 'src/engine/runs/'];
const execution = [...runs, 'src/engine/execution/'];
const transfer = [...runs, 'src/engine/transfer/'];

/**
 * What each folder of src, and each room of one that has rooms, may import: paths from the root of the repository, and
 * packages. A star stands for the files of a folder, without its rooms.
 */
const floors: Readonly<Record<string, readonly string[]>> = {
  core: ['src/core/'],
  memory: ['src/core/', 'src/memory/', 'node:'],
  redis: ['src/core/', 'src/redis/', 'node:', 'ioredis', 'cluster-key-slot'],
  bullmq: ['src/core/', 'src/bullmq/', 'node:', 'bullmq', 'zod'],
  file: ['src/core/', 'src/file/', 'node:', 'zod'],
  // A saver of LangGraph over the contract of threads; without its entry, nothing here is loaded.
  langgraph: ['src/core/', 'src/langgraph/', 'node:', '@langchain/langgraph-checkpoint'],
  // Stands around any store, by its contract.
  encryption: ['src/core/', 'src/encryption/', 'node:'],
  blobs: ['src/core/', 'src/blobs/', 'node:'],
  'engine/definition': definition,
  engine: shared,
  'engine/runs': runs,
  'engine/execution': execution,
  'engine/graph': [...execution, 'src/engine/graph/'],
  'engine/schedules': [...runs, 'src/engine/schedules/'],
  'engine/worker': [...execution, 'src/engine/schedules/', 'src/engine/worker/'],
  'engine/transfer': transfer,
  'engine/upkeep': [...transfer, 'src/engine/upkeep/'],
  'engine/loop': [...runs, 'src/engine/loop/'],
  // Stores and queues of one thread, in others: by their contracts.
  threads: ['src/core/', 'src/threads/', 'node:'],
  // For users' tests: it stands on all of the house.
  testing: [
    'src/core/',
    'src/memory/',
    'src/threads/',
    'src/blobs/',
    'src/encryption/',
    'src/engine/',
    'src/pawl.ts',
    'src/option-checks.ts',
    'src/testing/',
    'node:',
    'testcontainers',
  ],
  // An entry point: the pages, over the wiring.
  dashboard: [
    'src/core/',
    'src/engine/',
    'src/dashboard/',
    'src/pawl.ts',
    'src/options.ts',
    'node:',
    'hono',
    'hono/html',
    'hono/streaming',
    'hono/body-limit',
    '@hono/node-server',
    '@hono/node-server/serve-static',
    // Where it is installed: see board.ts.
    '@bull-board/api',
    '@bull-board/api/bullMQAdapter',
    '@bull-board/hono',
    'zod',
  ],
  // An entry point: it stands on the wiring, and asks the parts for their words.
  cli: [
    'src/core/',
    'src/redis/',
    'src/engine/',
    'src/cli/',
    'src/pawl.ts',
    'src/options.ts',
    'src/imports/',
    'src/dashboard/serve.ts',
    'src/drill.ts',
    'src/mcp.ts',
    'src/mcp/',
    '@modelcontextprotocol/sdk/server/stdio.js',
    'src/testing/',
    'node:',
    'commander',
    '@clack/prompts',
    'cli-table3',
    'picocolors',
  ],
  // What agents of any framework need: their calls as steps, their tokens as an output.
  agents: ['src/core/', 'src/engine/definition/', 'src/agents/', 'node:', 'zod'],
  // The AI SDK: its types alone are imported.
  // Graphs of LangGraph as workflows, on threads of its saver.
  'durable-graph': [
    'src/core/',
    'src/engine/definition/',
    'src/agents/',
    'src/langgraph/',
    'src/durable-graph/',
    'zod',
    '@langchain/langgraph-checkpoint',
    '@langchain/langgraph',
  ],
  ai: [
    'src/core/',
    'src/engine/definition/',
    'src/agents/',
    'src/ai/',
    'src/pawl.ts',
    'src/text-stream.ts',
    'zod',
    'ai',
  ],
  // OpenAI Agents: its types alone are imported. Pages read its answers as those of the AI SDK.
  'openai-agents': [
    'src/core/',
    'src/engine/definition/',
    'src/engine/loop/',
    'src/agents/',
    'src/openai-agents/',
    'src/pawl.ts',
    'node:',
    '@openai/agents',
  ],
  // Streams without a worker, for the stores that frameworks want.
  streams: ['src/core/', 'src/engine/', 'src/streams/', 'node:'],
  // Streams of TanStack AI.
  'tanstack-ai': [
    'src/core/',
    'src/streams/',
    'src/tanstack-ai/',
    'src/pawl.ts',
    'node:',
    '@tanstack/ai',
  ],
  // Streams of assistant-ui.
  'assistant-ui': [
    'src/core/',
    'src/streams/',
    'src/assistant-ui/',
    'src/pawl.ts',
    'node:',
    'assistant-stream/resumable',
  ],
  // Runs as tools of the Model Context Protocol, with the roles of the pages.
  mcp: [
    'src/core/',
    'src/engine/definition/',
    'src/dashboard/',
    'src/mcp/',
    'src/pawl.ts',
    'zod',
    '@modelcontextprotocol/sdk/server/mcp.js',
    '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js',
  ],
  // Other systems' files: read, and turned into the lines of an export.
  imports: ['src/core/', 'src/engine/', 'src/imports/', 'node:', 'sql.js'],
  // The files at the root of src: the wiring and the entries.
  '': ['src/', 'node:', 'ioredis', 'zod'],
};
const exceptions: Readonly<Record<string, readonly string[]>> = {
  'src/engine/schedules/timetable.ts': ['cron-parser'],
  'src/metrics.ts': ['prom-client'],
  'src/fleet-metrics.ts': ['prom-client'],
  'src/otel.ts': ['@opentelemetry/api'],
};

const sentence = (line: number, text: string): string => `line ${line}: ${text}`;

function eachLine(text: string, problem: (line: string) => string | undefined): string[] {
  return text.split('\n').flatMap((line, i) => {
    const found = problem(line);
    return found === undefined ? [] : [sentence(i + 1, found)];
  });
}

/** Without comments, line by line, so that prose may speak of what code may not do. */
function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

export function importsOf(text: string): string[] {
  const pattern = /\b(?:from|import)\s*\(?\s*'([^'\n]+)'/g;
  return [...withoutComments(text).matchAll(pattern)].map((match) => match[1] ?? '');
}

/** The name of a file's floor: its folder, or the room where that has rooms. */
function floorOf(path: string): string {
  const [, folder = '', room] = posix.dirname(path).split('/');
  const hasRooms = Object.keys(floors).some((name) => name.startsWith(`${folder}/`));
  return room !== undefined && hasRooms ? `${folder}/${room}` : folder;
}

function isAllowed(name: string, allowed: string): boolean {
  if (allowed.endsWith('/*')) return `${posix.dirname(name)}/*` === allowed;
  return /[/:]$/.test(allowed) ? name.startsWith(allowed) : name === allowed;
}

export function floorProblems({ path, text }: Source): string[] {
  const folder = floorOf(path);
  const allowed = floors[folder];
  if (allowed === undefined) return [`${folder}/ has no floor: add it to the table of floors`];
  const all = [...allowed, ...(exceptions[path] ?? [])];
  return importsOf(text)
    .map((name) => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name))
    .filter((name) => !all.some((one) => isAllowed(name, one)))
    .map((name) => `imports ${name}; ${folder || 'src'} may import only ${all.join(', ')}`);
}

/** What core may not touch, and what to do instead. */
const impure: readonly (readonly [RegExp, string])[] = [
  [/\bprocess\./, 'take it as an argument'],
  [/\bDate\.now\(|\bnew Date\(\)|\bperformance\./, 'take a Clock, or the time'],
  [/\bset(Timeout|Interval|Immediate)\(/, 'take a Clock'],
  [/\bconsole\./, 'take a Logger'],
  [/\bMath\.random\(|\bcrypto\./, 'take the random number'],
];

const bannedNames = new Set(['utils', 'util', 'helpers', 'helper', 'types', 'interfaces', 'lib']);

const sample = (path: string, text: string): Source => ({ path, text });

/** Puts a banned word together, so that this file does not hold it. */
const banned = (...parts: readonly string[]): string => parts.join('');

export const rules: readonly Rule[] = [
  {
    name: 'imports point down',
    files: () => code('src'),
    filesMin: 15,
    problems: floorProblems,
    planted: sample('src/core/run.ts', "import { x } from '../redis/keys.ts';"),
    clean: sample(
      'src/redis/keys.ts',
      "import type { x } from '../core/run.ts';\n// from 'bullmq'",
    ),
  },
  {
    name: 'core has no clock, no process, no output and no chance',
    files: () => code('src/core'),
    filesMin: 10,
    problems: ({ text }) =>
      eachLine(withoutComments(text), (line) => {
        const found = impure.find(([pattern]) => pattern.test(line));
        return found && `core is pure; ${found[1]} instead of ${found[0].exec(line)?.[0]}`;
      }),
    planted: sample('src/core/run.ts', 'const at = Date.now();'),
    clean: sample('src/core/run.ts', '/* never Date.now() */ const at = clock.now();'),
  },
  {
    name: 'the engine makes its signals in one place',
    files: () => code('src/engine').filter(({ path }) => path !== 'src/engine/signals.ts'),
    filesMin: 20,
    problems: ({ text }) =>
      eachLine(withoutComments(text), (line) =>
        /\bnew AbortController\(|\bAbortSignal\.(any|timeout)\(/.test(line)
          ? 'use signals.ts, or Node warns of a leak where many steps listen'
          : undefined,
      ),
    planted: sample('src/engine/a.ts', 'const over = new AbortController();'),
    clean: sample('src/engine/a.ts', 'const over = newAbortController();'),
  },
  {
    name: `files have at most ${fileLinesMax} lines`,
    files: () => code('src', 'test', 'tools', 'examples', 'bench'),
    filesMin: 25,
    problems: ({ text }) => {
      const lines = text.split('\n').length - 1;
      return lines > fileLinesMax ? [`${lines} lines; split it by what its parts are about`] : [];
    },
    planted: sample('src/a.ts', 'x\n'.repeat(fileLinesMax + 1)),
    clean: sample('src/a.ts', 'x\n'.repeat(fileLinesMax)),
  },
  {
    name: `lines have at most ${codeLengthMax} characters, in comments ${proseLengthMax}`,
    files: () => [
      ...code('src', 'test', 'tools', 'examples', 'bench'),
      ...sources.filter(({ path }) => path.endsWith('.lua')),
    ],
    filesMin: 30,
    problems: ({ text }) =>
      eachLine(text, (line) => {
        const max = /^\s*(\/\*|\*|\/\/|--)/.test(line) ? proseLengthMax : codeLengthMax;
        // A message stays in one piece, so that it can be searched for.
        const isMessage = /(['"`]).{60,}\1/.test(line);
        const length = line.length;
        return length > max && !isMessage ? `${length} characters; break it` : undefined;
      }),
    planted: sample('src/a.ts', `const a = ${'1 + '.repeat(codeLengthMax / 4)}1;`),
    clean: sample(
      'src/a.ts',
      `// ${'x'.repeat(proseLengthMax - 3)}\n  'A ${'long '.repeat(30)} message.',`,
    ),
  },
  {
    name: 'file names are kebab-case and say what is inside',
    files: () => code('src', 'test', 'tools', 'examples', 'bench'),
    filesMin: 25,
    problems: ({ path }) => {
      const name = posix.basename(path).replace(/(\.test|\.test-d|\.d)?\.(ts|mjs)$/, '');
      if (bannedNames.has(name)) return [`"${name}" says nothing; name it after what it holds`];
      return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? [] : [`${name} is not kebab-case`];
    },
    planted: sample('src/utils.ts', ''),
    clean: sample('src/core/run-list.ts', ''),
  },
  {
    name: 'nothing is left for later',
    files: () => code('src', 'test', 'tools', 'examples', 'bench'),
    filesMin: 25,
    problems: ({ text }) =>
      eachLine(text, (line) => {
        const left = /\b(TO(?=DO\b)|FIX(?=ME\b)|XX(?=X\b))|\b(it|test|describe)\.(?=only\b)/;
        return left.test(line) ? 'do it, or open an issue; run all tests' : undefined;
      }),
    planted: sample('src/a.ts', `// ${banned('TO', 'DO')}: later`),
    clean: sample('src/a.ts', '// The only way.'),
  },
  {
    name: 'exports have names',
    files: () => code('src', 'test', 'examples', 'bench'),
    filesMin: 20,
    problems: ({ text }) =>
      eachLine(withoutComments(text), (line) =>
        /^\s*export default\b|\bas default\b/.test(line) ? 'give the export a name' : undefined,
      ),
    planted: sample('src/a.ts', 'export default function f() {}'),
    clean: sample('src/a.ts', 'export function f() {}'),
  },
  {
    name: 'no file knows a machine',
    files: () => sources,
    filesMin: 40,
    problems: ({ text }) =>
      eachLine(text, (line) =>
        /(?<![\w.@*-])\/(?:work|root|home|Users)\/\w|\/\/registry\./.test(line)
          ? 'use a path relative to the file, and no registry'
          : undefined,
      ),
    planted: sample('src/a.ts', `const dir = '${banned('/ro', 'ot/pawl')}';`),
    clean: sample('src/a.ts', "const dir = new URL('../home/x', import.meta.url);"),
  },
  {
    name: 'nothing is promised that cannot be kept',
    files: () => sources.filter(({ path }) => /^(src|examples)\/|^\w+\.(md|json)$/.test(path)),
    filesMin: 20,
    problems: ({ text }) =>
      eachLine(text, (line) =>
        /\bexactly[ -]once\b/i.test(line) &&
        !/\b(not|no|never|nothing|nowhere|cannot)\b/i.test(line)
          ? 'say: a step may run again, an acknowledged event is stored once'
          : undefined,
      ),
    planted: sample('README.md', 'Steps run exactly once.'),
    clean: sample('README.md', 'A step is not run exactly once.'),
  },
  {
    // Loops that another file of the process left running would run in the time that such a test moves.
    name: 'a test that moves the time of its process has a process of its own',
    files: () => code('test'),
    filesMin: 100,
    problems: ({ path, text }) =>
      text.includes(banned('useFake', 'Timers()')) &&
      !source('vitest.config.ts').text.includes(`'${path}',`)
        ? ['name the file in the list `replacing` of vitest.config.ts']
        : [],
    planted: sample('test/unit/a.test.ts', banned('vi.useFake', 'Timers();')),
    clean: sample('test/unit/redis/redial.test.ts', banned('vi.useFake', 'Timers();')),
  },
];
