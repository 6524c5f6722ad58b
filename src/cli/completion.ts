/** `pawl completion bash|zsh|fish`: made from the commands themselves, so that it knows them all. */
import { Argument, type Command } from 'commander';
import { type Add, inShell } from './shell.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type ShellName = (typeof shells)[number];

export const addCompletion: Add = (program, signal) => {
  program
    .command('completion')
    .description('Prints a script that completes commands: pawl completion bash > …')
    .addArgument(new Argument('<shell>').choices(shells))
    .action(
      inShell(signal, async (shell, name: ShellName) => {
        shell.print(scripts[name](wordsOf(program)));
        await Promise.resolve();
      }),
    );
};

/** What may follow each beginning: `runs` → `list`, `show` … */
type Words = readonly (readonly [path: string, words: readonly string[]])[];

function wordsOf(command: Command, path: readonly string[] = []): Words {
  const { options, registeredArguments } = command;
  const commands = command.createHelp().visibleCommands(command);
  const inherited = path.length === 0 ? [] : ['--json', '--help'];
  const words = [
    ...commands.map((one) => one.name()),
    ...registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    ...options.flatMap(({ long }) => (typeof long === 'string' ? [long] : [])),
    ...inherited,
  ];
  return [
    [path.join(' '), words],
    ...commands.flatMap((one) => wordsOf(one, [...path, one.name()])),
  ];
}

/** A function that puts together what was typed so far, without flags, and does for each beginning what `offer` says. */
function typedCases(words: Words, typed: string, offer: (next: string) => string): string[] {
  return [
    '_pawl() {',
    // Not `path`: that is where zsh looks for commands.
    '  local typed="" word',
    `  for word in ${typed}; do`,
    '    [[ $word == -* ]] || typed="${typed:+$typed }$word"',
    '  done',
    '  case "$typed" in',
    // The longest beginning first.
    ...words
      .toReversed()
      .map(
        ([path, next]) => `    ${path === '' ? '*' : `"${path}"*`}) ${offer(next.join(' '))} ;;`,
      ),
    '  esac',
    '}',
  ];
}

const scripts: Readonly<Record<ShellName, (words: Words) => string>> = {
  bash: (words) =>
    [
      ...typedCases(
        words,
        '"${COMP_WORDS[@]:1:COMP_CWORD-1}"',
        (next) => `COMPREPLY=($(compgen -W "${next}" -- "$2"))`,
      ),
      'complete -o default -F _pawl pawl',
    ].join('\n'),
  zsh: (words) =>
    [
      '(( $+functions[compdef] )) || { autoload -U compinit && compinit }',
      ...typedCases(words, '"${(@)words[2,CURRENT-1]}"', (next) => `compadd -- ${next} || _files`),
      'compdef _pawl pawl',
    ].join('\n'),
  fish: (words) =>
    words
      .flatMap(([path, next]) => {
        const condition = fishCondition(path, next);
        return next.map((word) =>
          word.startsWith('--')
            ? `complete -c pawl -n '${condition}' -l ${word.slice(2)}`
            : `complete -c pawl -f -n '${condition}' -a ${word}`,
        );
      })
      .join('\n'),
};

/** True behind `path`, until one of the words is there that may follow it. */
function fishCondition(path: string, next: readonly string[]): string {
  if (path === '') return '__fish_use_subcommand';
  const seen = path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  const nouns = next.filter((word) => !word.startsWith('--'));
  const unseen = nouns.length === 0 ? [] : [`not __fish_seen_subcommand_from ${nouns.join(' ')}`];
  return [...seen, ...unseen].join('; and ');
}
