/** `pawl runs output` */
import { toTagged } from '../../core/tagged-json.ts';
import type { OutputChunk } from '../../engine/definition/outputs.ts';
import { findRun, toCount } from '../given.ts';
import { inline } from '../print.ts';
import { type Add, inShell, type Shell } from '../shell.ts';

interface OutputFlags {
  readonly from: number;
  readonly name?: string;
  readonly follow?: boolean;
}

export const addOutput: Add = (runs, signal) => {
  runs
    .command('output')
    .description('The chunks that a run gives out; with --json, one a line.')
    .argument('<run>')
    .option('--from <number>', 'begin at this chunk', toCount, 1)
    .option('--name <output>', 'only this output')
    .option('--follow', 'go on as chunks come, until the run has ended or is quarantined')
    .action(
      inShell(signal, (shell, given: string, flags: OutputFlags) => output(shell, given, flags)),
    );
};

async function output(shell: Shell, given: string, flags: OutputFlags): Promise<void> {
  const { from, name, follow = false } = flags;
  const run = await findRun(shell, given);
  const pawl = await shell.pawl();
  const chunks = pawl
    .run(run.id)
    .output({ from, live: follow, signal: shell.signal, ...(name === undefined ? {} : { name }) });
  for await (const chunk of chunks) {
    shell.showLine({ ...chunk, value: toTagged(chunk.value) }, () => line(shell, chunk));
  }
}

const numberWidth = 6;

/** The plus marks the first chunk of an attempt. */
function line({ color }: Shell, chunk: OutputChunk): string {
  const { number, at, output: name, step, begins, value } = chunk;
  const head = `${String(number).padStart(numberWidth)}${begins ? '+' : ' '} ${color.dim(at.toISOString())}`;
  return `${head}  ${color.cyan(`${name} ${step}`.trimEnd())}  ${inline(value)}`;
}
