// Goal: every block of code in the README and the pages does what it says: it compiles against the types of the package, and
// it runs. Method: blocks become modules beside a scene that has the names they speak of; commands are played in a folder.
// What is not executed says why, behind the language of its block.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type Block,
  blocksOf,
  commandsOf,
  fileOf,
  moduleOf,
  pages,
} from '../support/docs/blocks.ts';
import { sceneNames } from '../support/docs/scene.ts';
import { furnish, play } from '../support/docs/shell.ts';
import { newPrefix } from '../support/workers.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside of the repository, so that `pawl` is the built package, and everything it needs is found.
const stage = join(root, '.build/docs');
const run = promisify(execFile);
const redisUrl = inject('redisUrl');
let folder: string;

const blocks: readonly Block[] = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(
    (name) => `docs/${name.split(sep).join('/')}`,
  ),
  ...['examples', 'deploy', 'create-pawl', 'templates/project'].map((name) => `${name}/README.md`),
]
  .filter((page) => pages.test(page))
  .flatMap((page) => blocksOf(page, readFileSync(join(root, page), 'utf8')));
const played = blocks.filter(({ notRun, theirs }) => notRun === undefined && theirs === undefined);
/** Programs that are meant to be copied. Those of the tutorial have a test of their own. */
const isWhole = (block: Block): boolean => fileOf(block) !== undefined;

const placeOf = ({ page, line }: Pick<Block, 'page' | 'line'>): string => `${page}:${line}`;
const moduleName = (block: Block): string =>
  `${placeOf(block).replaceAll(/[^A-Za-z0-9]/g, '-')}.${block.language === 'ts' ? 'ts' : 'mjs'}`;

/** What the compiler says, with the lines of the pages; nothing when all is well. */
async function compile(): Promise<string> {
  const settings = {
    compilerOptions: {
      strict: true,
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      module: 'nodenext',
      skipLibCheck: true,
      rootDir: '.',
      outDir: 'out',
      noEmitOnError: false,
      rewriteRelativeImportExtensions: true,
    },
    include: ['*.ts'],
  };
  await writeFile(join(stage, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { stdout } = await run(tsc, ['-p', stage], { cwd: root }).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-docs-'));
  await rm(stage, { recursive: true, force: true });
  await mkdir(join(stage, 'out'), { recursive: true });
  await furnish(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

// The compiler, the programs and the commands have nothing to do with each other.
describe.concurrent('a page', () => {
  test('blocks of TypeScript and JavaScript compile, and do what they say', async () => {
    const code = played.filter((block) => /^[jt]s$/.test(block.language) && !isWhole(block));
    expect(code.length).toBeGreaterThanOrEqual(20);
    for (const file of ['scene.ts', 'main.ts', 'frameworks.d.ts']) {
      await writeFile(join(stage, file), readFileSync(join(root, 'test/support/docs', file)));
    }
    for (const block of code) {
      const part = block.language === 'ts' ? '' : 'out';
      await writeFile(join(stage, part, moduleName(block)), moduleOf(block, sceneNames));
    }
    expect(await compile()).toBe('');
    const executed = code.filter(({ compiled }) => compiled === undefined);
    const given = executed.map((block) => ({
      page: block.page,
      line: block.line,
      module: join(stage, 'out', moduleName(block).replace(/\.ts$/, '.js')),
    }));
    const { stdout } = await run(
      process.execPath,
      [join(stage, 'out/main.js'), redisUrl, JSON.stringify(given)],
      { cwd: folder, timeout: 60_000, env: { ...process.env, OPENAI_AGENTS_DISABLE_TRACING: '1' } },
    );
    // Blocks print what they have to say, too.
    const results = stdout
      .split('\n')
      .filter((line) => line.startsWith('{"page":'))
      .map((line) => JSON.parse(line) as { page: string; line: number; problem?: string });
    expect(results.map(placeOf)).toEqual(executed.map(placeOf));
    expect(results.filter(({ problem }) => problem !== undefined)).toEqual([]);
  }, 60_000);

  test('programs that are meant to be copied run as they are', async () => {
    const said: Readonly<Record<string, RegExp>> = {
      'README.md': / step\.completed\n[\s\S]* run\.completed\n\{ words: 510 \}\n$/,
      'docs/recipes/esbuild.md': /^42\n$/,
      'docs/recipes/langgraph.md': /^approved by Ada, charged 4200\n$/,
      'docs/recipes/pino.md':
        /^\{"level":30.*"workflow":"charge","fence":\d+,"amount":450,"msg":"charging"\}\n[^]*^\{"level":40.*: the card was declined".*"msg":"run failed"\}\n/m,
      'docs/threads.md': /^packed \[[^]*reason: 'presence-lost'[^]*quarantined: false/,
    };
    const whole = played.filter(isWhole);
    expect(new Set(whole.map(({ page }) => page))).toEqual(
      new Set([...Object.keys(said), 'docs/tutorial.md']),
    );
    const programs = whole.filter(({ page }) => page in said);
    expect(programs).toHaveLength(Object.keys(said).length);
    await Promise.all(
      programs.map(async (program) => {
        const file = join(stage, fileOf(program) ?? '');
        await writeFile(file, program.text);
        const { stdout } = await run(process.execPath, [file], {
          env: { ...process.env, REDIS_URL: redisUrl },
        });
        expect(stdout).toMatch(said[program.page] ?? /never/);
      }),
    );
  });

  test('commands end well', async () => {
    const shells = played.filter(({ language }) => language === 'sh');
    expect(shells.flatMap(commandsOf).length).toBeGreaterThanOrEqual(10);
    const shell = { folder, redisUrl, prefix: newPrefix(), cli: join(root, 'dist/cli/main.js') };
    // Those of one block follow one another; blocks do not wait for others.
    const problems = shells.map(async (block) => {
      for (const command of commandsOf(block)) {
        const problem = await play(command, shell);
        if (problem !== undefined) return `${placeOf(block)}: ${command} ${problem}`;
      }
      return undefined;
    });
    expect((await Promise.all(problems)).filter((problem) => problem !== undefined)).toEqual([]);
  }, 60_000);
});

test('what is not executed says why', () => {
  const left = blocks.filter(({ notRun }) => notRun !== undefined);
  for (const block of left) process.stderr.write(`not run: ${placeOf(block)}: ${block.notRun}\n`);
  // A block of code that nobody plays is a promise that nobody checks: these are commands that take minutes.
  expect(left.filter(({ language }) => /^[jt]s$/.test(language))).toEqual([]);
});

test('talks with a shell are played by the test of their page, or say why not', () => {
  const playedBy: Readonly<Record<string, string>> = {
    'docs/cli.md': 'test/integration/cli.test.ts',
    'docs/first-hour.md': 'tools/first-hour.mjs',
    'docs/tutorial.md': 'test/integration/tutorial.test.ts',
  };
  const talks = played.filter(({ language }) => language === 'console');
  expect([...new Set(talks.map(({ page }) => page))].toSorted()).toEqual(Object.keys(playedBy));
  for (const [page, by] of Object.entries(playedBy)) {
    expect(readFileSync(join(root, by), 'utf8'), by).toContain(page);
  }
});
