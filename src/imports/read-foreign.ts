/** Runs of the systems pawl grew from, as lines for `pawl.import`. */
import { InvalidError } from '../core/errors.ts';
import { checkWorkflowName } from '../core/names.ts';
import { oneOf, optionsOf } from '../core/option-rules.ts';
import { type ForeignRun, linesOf } from './foreign-run.ts';
import { isHillstar, readHillstar } from './hillstar.ts';
import {
  isPurposeAgentFolder,
  isPurposeAgentSqlite,
  readPurposeAgentFolder,
  readPurposeAgentSqlite,
} from './purpose-agent.ts';
import { isSimpleAgents, readSimpleAgents } from './simple-agents.ts';

export const foreignFormats = [
  ...(['hillstar', 'purpose_agent', 'purpose_agent_sqlite', 'simple_agents'] as const),
] as const;
/**
 * A system whose files `readForeign` and `pawl runs import --format` understand. docs/moving.md says what is taken from
 * each.
 */
export type ForeignFormat = (typeof foreignFormats)[number];

interface Reader {
  readonly fits: (path: string) => Promise<boolean>;
  readonly read: (path: string) => Promise<ForeignRun[]>;
}

const readers: Readonly<Record<ForeignFormat, Reader>> = {
  hillstar: { fits: isHillstar, read: readHillstar },
  purpose_agent: { fits: isPurposeAgentFolder, read: readPurposeAgentFolder },
  purpose_agent_sqlite: { fits: isPurposeAgentSqlite, read: readPurposeAgentSqlite },
  simple_agents: { fits: isSimpleAgents, read: readSimpleAgents },
};

const checkOptions = optionsOf<{ readonly format?: ForeignFormat; readonly workflow?: string }>({
  format: oneOf(...foreignFormats),
  workflow: checkWorkflowName,
});

/**
 * Reads a file or folder of hillstar, simple_agents or purpose_agent. Without `format` it finds the format out by
 * itself. It keeps states, checkpoints by node and time, and events with their data. `workflow` is the name of the
 * workflow that is to go on with the runs.
 * @throws InvalidError that names the file: nothing was imported. PackageMissingError when sql.js is needed and missing.
 */
export async function readForeign(
  path: string,
  options: { readonly format?: ForeignFormat; readonly workflow?: string } = {},
): Promise<readonly string[]> {
  checkOptions(options, 'options');
  const format = options.format ?? (await guess(path));
  const runs = await readers[format].read(path);
  const { workflow } = options;
  return linesOf(workflow === undefined ? runs : runs.map((run) => ({ ...run, workflow })));
}

async function guess(path: string): Promise<ForeignFormat> {
  for (const format of foreignFormats) if (await readers[format].fits(path)) return format;
  const known = foreignFormats.join(', ');
  throw new InvalidError(path, `does not look like any of ${known}; say which with format.`);
}
