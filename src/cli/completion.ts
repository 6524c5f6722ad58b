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
  const { options } = command;
  const inherited = path.length === 0 ? [] : ['--json', '--help'];
  const words = [
    ...command.commands.map((one) => one.name()),
    ...options.flatMap(({ long }) => (typeof long === 'string' ? [long] : [])),
    ...inherited,
  ];
  return [
    [path.join(' '), words],
    ...command.commands.flatMap((one) => wordsOf(one, [...path, one.name()])),
  ];
}

const scripts: Readonly<Record<ShellName, (words: Words) => string>> = {
  bash: (words) =>
    [
      '_pawl() {',
      String.raw`  local path="" word`,
      String.raw`  for word in "${'${COMP_WORDS[@]:1:COMP_CWORD-1}'}"; do`,
      '    [[ $word == -* ]] || path="${path:+$path }$word"',
      '  done',
      '  case "$path" in',
      ...words.toReversed().map(([path, next]) => {
        const pattern = path === '' ? '*' : `"${path}"*`;
        return `    ${pattern}) COMPREPLY=($(compgen -W "${next.join(' ')}" -- "$2")) ;;`;
      }),
      '  esac',
      '}',
      'complete -o default -F _pawl pawl',
    ].join('\n'),
  zsh: (words) => ['autoload -U +X bashcompinit && bashcompinit', scripts.bash(words)].join('\n'),
  fish: (words) =>
    words
      .flatMap(([path, next]) => {
        const seen = path.split(' ').filter((word) => word !== '');
        const condition =
          seen.length === 0
            ? '__fish_use_subcommand'
            : seen.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
        return next.map((word) =>
          word.startsWith('--')
            ? `complete -c pawl -n '${condition}' -l ${word.slice(2)}`
            : `complete -c pawl -f -n '${condition}' -a ${word}`,
        );
      })
      .join('\n'),
};
