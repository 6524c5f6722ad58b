/** `pawl ui`: the pages for a browser, until Ctrl-C. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { InvalidArgumentError, Option } from 'commander';
import type { ServeDashboardOptions } from '../dashboard/serve.ts';
import { UsageError } from './failures.ts';
import { type Add, inShell, type Shell } from './shell.ts';

type User = NonNullable<ServeDashboardOptions['users']>[number];

interface UiFlags {
  readonly port: number;
  readonly host: string;
  readonly basePath: string;
  readonly readOnly?: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly role?: User['role'];
  readonly hide?: readonly string[];
  readonly board?: boolean;
  readonly open: boolean;
}

const port = 4777;

export const addUi: Add = (program, signal) => {
  program
    .command('ui')
    .description('Serves the pages for a browser, until Ctrl-C.')
    .option('--port <port>', 'its port; 0 takes a free one', toPort, port)
    .option(
      '--host <address>',
      'where it listens; another address than this machine needs a password',
      '127.0.0.1',
    )
    .option('--base-path <path>', 'first part of every path, such as /admin/pawl', '/')
    .option('--read-only', 'nothing can be changed')
    .option('--user <name>', 'the user of the pages')
    .option('--password <text>', 'the password of the pages (PAWL_UI_PASSWORD)')
    .addOption(
      new Option('--role <role>', 'what who logs in may do; default admin').choices([
        'read',
        'operate',
        'admin',
      ]),
    )
    .option('--hide <field...>', 'fields whose values are not shown, at any depth')
    .option('--board', 'bull-board at /board/, where its packages are installed')
    .option('--no-open', 'do not open a browser')
    .action(inShell(signal, (shell, flags: UiFlags) => serve(shell, flags)));
};

function toPort(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new InvalidArgumentError('It must be a port: 0 to 65535.');
}

/** Who logs in: an admin, or somebody of the role. */
function loginOf(
  { user = 'pawl', role = 'admin' }: UiFlags,
  password: string | undefined,
): Pick<ServeDashboardOptions, 'users'> {
  return password === undefined ? {} : { users: [{ name: user, password, role }] };
}

async function serve(shell: Shell, flags: UiFlags): Promise<void> {
  const { hideFields, serveDashboard } = await import('../dashboard/serve.ts');
  const workflows = await shell.workflows();
  const password = flags.password ?? process.env['PAWL_UI_PASSWORD'];
  if ((flags.user ?? flags.role) !== undefined && password === undefined) {
    throw new UsageError('--user and --role are for who logs in: set PAWL_UI_PASSWORD.');
  }
  const pawl = await shell.pawl();
  await using served = await serveDashboard(pawl, {
    port: flags.port,
    host: flags.host,
    basePath: flags.basePath,
    readOnly: flags.readOnly === true,
    actor: shell.request.actor,
    ...loginOf(flags, password),
    ...(flags.hide === undefined ? {} : { redact: hideFields(...flags.hide) }),
    queueBoard: flags.board === true,
    ...(workflows === undefined ? {} : { workflows: [...workflows.values()] }),
  }).catch((error: NodeJS.ErrnoException) => {
    throw portError(error, flags) ?? error;
  });
  shell.show({ url: served.url }, () => served.url);
  shell.say('Ctrl-C ends it.');
  if (flags.open && process.stdout.isTTY) openBrowser(served.url);
  if (!shell.signal.aborted) await once(shell.signal, 'abort');
}

/** Undefined when it is not about the address. */
function portError(
  { code }: NodeJS.ErrnoException,
  { port: taken, host }: Pick<UiFlags, 'port' | 'host'>,
): UsageError | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return new UsageError(
        `Port ${taken} is taken by another program: --port 0 takes a free one.`,
      );
    case 'EACCES':
      return new UsageError(
        `This user may not listen on port ${taken}: --port 0 takes a free one.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UsageError(`--host ${host} is not an address of this machine.`);
    default:
      return undefined;
  }
}

/** Where no browser can be opened, the address was printed. */
function openBrowser(url: string): void {
  const [command, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start']
        : ['xdg-open'];
  const child = spawn(command ?? '', [...before, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
