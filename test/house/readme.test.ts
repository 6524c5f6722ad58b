import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { source } from './sources.ts';

const readmeLinesMax = 250;
const root = fileURLToPath(new URL('../../', import.meta.url));

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

/** What is wrong with the syntax of a block, or nothing. JavaScript is read by Node, TypeScript by tsc. */
function syntaxProblem({ language, text }: Block): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'pawl-readme-'));
  try {
    const isScript = language === 'js';
    const file = join(dir, isScript ? 'block.mjs' : 'block.mts');
    writeFileSync(file, text);
    const [program, args] = isScript
      ? [process.execPath, ['--check', file]]
      : [
          join(root, 'node_modules/.bin/tsc'),
          [
            '--noEmit',
            '--noCheck',
            '--noResolve',
            '--ignoreConfig',
            '--target',
            'es2023',
            '--module',
            'nodenext',
            file,
          ],
        ];
    execFileSync(program, args, { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    return `${String(stdout)}${String(stderr)}`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test.each(['js', 'ts'])('a broken %s block is caught, a good one passes', (language) => {
  expect(syntaxProblem({ language, text: 'const a = await f(;\n' })).toBeDefined();
  expect(
    syntaxProblem({ language, text: "import { a } from 'pawl';\nawait a();\n" }),
  ).toBeUndefined();
});

test('blocks are found by their language', () => {
  expect(blocksOf('a\n```js\nb\n```\n```\nc\n```\n')).toEqual([
    { language: 'js', text: 'b\n' },
    { language: '', text: 'c\n' },
  ]);
});

describe('README.md', () => {
  test(`has at most ${readmeLinesMax} lines`, () => {
    expect(source('README.md').text.split('\n').length - 1).toBeLessThanOrEqual(readmeLinesMax);
  });

  test('shows a program that can be copied to example.mjs, and every block of code parses', () => {
    const blocks = blocksOf(source('README.md').text).filter(({ language }) =>
      /^[jt]s$/.test(language),
    );
    expect(blocks.some(({ text }) => text.startsWith('// example.mjs'))).toBe(true);
    const problems = blocks.flatMap((block) => {
      const problem = syntaxProblem(block);
      return problem === undefined ? [] : [`${block.text.split('\n')[0]}: ${problem}`];
    });
    expect(problems).toEqual([]);
  });

  test('links only to files that exist', () => {
    const links = [...source('README.md').text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)];
    const missing = links
      .map((link) => link[1] ?? '')
      .filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });

  test('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(source('package.json').text) as {
      scripts: Record<string, string>;
    };
    const named = [...source('README.md').text.matchAll(/\bnpm run (?:-s )?([\w:]+)/g)];
    expect(named.map((match) => match[1] ?? '').filter((name) => !(name in scripts))).toEqual([]);
  });
});
