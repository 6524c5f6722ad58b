// Goal: what `pawl completion` prints completes every command, in each shell. Method: the shells themselves, as far as
// they are installed; where one is not, only that all commands are in its script.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { playCli } from '../support/cli.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type ShellName = (typeof shells)[number];

let folder: string;
const files = new Map<ShellName, string>();
const scripts = new Map<ShellName, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-completion-'));
  await Promise.all(
    shells.map(async (shell) => {
      const { code, stdout } = await playCli(['completion', shell]);
      expect(code).toBe(0);
      const file = join(folder, `pawl.${shell}`);
      await writeFile(file, stdout);
      files.set(shell, file);
      scripts.set(shell, stdout);
    }),
  );
});

afterAll(() => rm(folder, { recursive: true }));

const isInstalled = (shell: ShellName): boolean =>
  spawnSync(shell, ['-c', 'true'], { stdio: 'ignore' }).status === 0;

/** Every command that people type, with its verbs: `runs` → `list`, `show` … */
function commandsOf(command: Command): string[][] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((one) => [[one.name()], ...commandsOf(one).map((path) => [one.name(), ...path])]);
}
const commands = commandsOf(buildProgram(new AbortController().signal));

test.each(shells)('the script for %s knows every command', (shell) => {
  expect(commands.length).toBeGreaterThan(25);
  for (const path of commands) {
    const [word, ...before] = path.toReversed();
    const behind = before.toReversed();
    const line =
      shell !== 'fish'
        ? new RegExp(
            `^ +${behind.length === 0 ? '\\*' : `"${behind.join(' ')}"\\*`}\\) .*[ "]${word}[ "]`,
            'm',
          )
        : new RegExp(
            `^complete .*${behind.map((one) => `_from ${one}\\b.*`).join('')} -a ${word}$`,
            'm',
          );
    expect(scripts.get(shell)).toMatch(line);
  }
});

/** What the shell offers for the last of the words. */
const offers: Readonly<Record<ShellName, (file: string, words: readonly string[]) => string[]>> = {
  bash: (file, words) => {
    const line = `COMP_WORDS=("\${@:2}"); COMP_CWORD=$(($# - 2)); _pawl pawl "\${@: -1}" ""`;
    const args = ['--norc', '-c', `source "$1"; ${line}; printf '%s\\n' "\${COMPREPLY[@]}"`];
    return run('bash', [...args, 'bash', file, ...words]);
  },
  // Completion itself needs a terminal: what the function would hand to it is printed instead.
  zsh: (file, words) => {
    const code =
      'compdef() { }; source "$1"; compadd() { shift; print -rl -- $@; }; ' +
      'words=("${(@)argv[2,-1]}"); CURRENT=$#words; _pawl';
    return run('zsh', ['-f', '-c', code, 'zsh', file, ...words]).filter((one) =>
      one.startsWith(words.at(-1) ?? ''),
    );
  },
  fish: (file, words) => {
    const code = 'source $argv[1]; complete -C "$argv[2]"';
    return run('fish', ['--no-config', '-c', code, file, words.join(' ')]).map(
      (line) => line.split('\t')[0] ?? '',
    );
  },
};

function run(shell: ShellName, args: readonly string[]): string[] {
  return execFileSync(shell, args, { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '');
}

for (const shell of shells) {
  test.skipIf(!isInstalled(shell))(`${shell} accepts its script, and completes with it`, () => {
    const file = files.get(shell) ?? '';
    execFileSync(shell, ['-n', file]);
    const offer = (...words: string[]): string[] => offers[shell](file, ['pawl', ...words]);
    expect(offer('ru')).toEqual(['runs']);
    expect(offer('runs', 'li')).toEqual(['list']);
    expect(offer('workers', '').slice(0, 2).toSorted()).toEqual(['drain', 'list']);
    expect(offer('runs', 'list', '--wat')).toEqual(['--watch']);
    expect(offer('completion', 'z')).toEqual(['zsh']);
    expect(offer('runs', 'list', 'sh')).toEqual([]);
  });
}
