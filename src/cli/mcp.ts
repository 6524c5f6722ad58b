/** `pawl mcp`: runs as tools of the Model Context Protocol, over standard input and output. */
import { once } from 'node:events';
import { Option } from 'commander';
import { PackageMissingError } from '../core/errors.ts';
import type { McpOptions } from '../mcp/server.ts';
import { type Add, inShell, type Shell } from './shell.ts';

interface McpFlags {
  readonly role: NonNullable<McpOptions['role']>;
  readonly hide?: readonly string[];
}

export const addMcp: Add = (program, signal) => {
  program
    .command('mcp')
    .description(
      'Serves runs as tools of the Model Context Protocol, on standard input and output.',
    )
    .addOption(
      new Option('--role <role>', 'what the client may do')
        .choices(['read', 'operate', 'admin'])
        .default('read'),
    )
    .option('--hide <field...>', 'fields whose values are not shown, at any depth')
    .action(inShell(signal, (shell, flags: McpFlags) => serve(shell, flags)));
};

async function serve(shell: Shell, { role, hide }: McpFlags): Promise<void> {
  const { hideFields, mcpServer, StdioServerTransport } = await load();
  const workflows = await shell.workflows();
  const server = mcpServer(await shell.pawl(), {
    role,
    actor: shell.request.actor,
    ...(hide === undefined ? {} : { redact: hideFields(...hide) }),
    ...(workflows === undefined ? {} : { workflows: [...workflows.values()] }),
  });
  await server.connect(new StdioServerTransport());
  // A client that goes closes its end.
  const gone = once(process.stdin, 'end');
  const stopped = shell.signal.aborted ? Promise.resolve() : once(shell.signal, 'abort');
  await Promise.race([gone, stopped]);
  await server.close();
  process.stdin.destroy();
}

async function load() {
  try {
    const [{ hideFields, mcpServer }, { StdioServerTransport }] = await Promise.all([
      import('../mcp.ts'),
      import('@modelcontextprotocol/sdk/server/stdio.js'),
    ]);
    return { hideFields, mcpServer, StdioServerTransport };
  } catch (error) {
    throw new PackageMissingError('pawl mcp', '@modelcontextprotocol/sdk', error);
  }
}
