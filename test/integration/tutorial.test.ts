// Goal: a newcomer who follows docs/tutorial.md sees what the page says. Method: the page is played from top to bottom in
// one shell: files are written as they come, commands are run, and what they print is compared. A `…` stands for anything.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startRedisServer } from 'pawl/testing';
import { expect, onTestFinished, test } from 'vitest';
import { blocksOf, fileOf } from '../support/docs/blocks.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = 'docs/tutorial.md';
// Inside of the repository, so that `pawl` is the built package.
const folder = join(root, '.build/tutorial');
const mark = '@@ the next command';
const run = promisify(execFile);

interface Command {
  readonly line: number;
  readonly command: string;
  readonly expected: string;
}

/** The commands of a talk, each with the lines that follow it. */
function commandsOf(text: string, line: number): Command[] {
  return text
    .trimEnd()
    .split(/^(?=\$ )/m)
    .map((part, i, parts) => {
      const [command = '', ...expected] = part.trimEnd().split('\n');
      const before = parts.slice(0, i).join('').split('\n').length - 1;
      return { line: line + before, command: command.slice(2), expected: expected.join('\n') };
    });
}

/** Compares as a reader does: `…` stands for anything, also for many lines where it is alone. */
function says(printed: string, expected: string): boolean {
  const escaped = expected.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const pattern = escaped.replaceAll(/^…$/gm, String.raw`[\s\S]*?`).replaceAll('…', '.*');
  return new RegExp(`^${pattern}$`).test(printed.trimEnd());
}

test('what is printed is compared', () => {
  expect(says('a 12\nb\nc\n', 'a …\n…\nc')).toBe(true);
  expect(says('a 12\nc\n', 'a 13\nc')).toBe(false);
  expect(commandsOf('$ a\nb\nc\n$ d\n', 7)).toEqual([
    { line: 7, command: 'a', expected: 'b\nc' },
    { line: 10, command: 'd', expected: '' },
  ]);
});

test('the tutorial says what happens', async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const blocks = blocksOf(page, await readFile(join(root, page), 'utf8'));
  const script = ['npx() { shift; "$NODE" "$CLI" "$@"; }', 'exec 2> stderr.log'];
  const commands: Command[] = [];
  for (const [i, block] of blocks.entries()) {
    const file = fileOf(block);
    if (file !== undefined) {
      await writeFile(join(folder, `${i}.txt`), block.text);
      script.push(`cp ${i}.txt ${file}`);
    } else if (block.language === 'console') {
      for (const command of commandsOf(block.text, block.line)) {
        commands.push(command);
        script.push(command.command, `echo '${mark}'`);
      }
    }
  }
  expect(commands.length).toBeGreaterThanOrEqual(15);
  script.push('rm -f [0-9]*.txt');
  // Of its own, because the page uses the usual prefix.
  const redis = await startRedisServer();
  onTestFinished(() => redis.stop());
  const env = {
    ...process.env,
    NODE: process.execPath,
    CLI: join(root, 'dist/cli/main.js'),
    REDIS_URL: redis.url,
    NO_COLOR: '1',
  };
  const { stdout } = await run('bash', ['-c', script.join('\n')], { cwd: folder, env });
  const printed = stdout.split(`${mark}\n`);
  const problems = commands.flatMap(({ line, command, expected }, i) => {
    const actual = (printed[i] ?? 'nothing').trimEnd();
    return says(actual, expected) ? [] : [{ at: `${page}:${line}`, command, expected, actual }];
  });
  expect(problems).toEqual([]);
}, 180_000);
