/** The `pawl` command as a child process: what it writes, and how it ends. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compiled } from './child.ts';

export interface Played {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const cliMain = compiled('src/cli/main.ts');
export const airlineRuns = fileURLToPath(
  new URL('../../examples/airline/runs.mjs', import.meta.url),
);

/** Without the settings of whoever runs the tests. */
export function cliEnv(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(PAWL_|REDIS_URL)/.test(name));
  return { ...Object.fromEntries(own), NO_COLOR: '1', ...more };
}

export function playCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = cliEnv(),
  cwd?: string,
): Promise<Played> {
  return new Promise((resolve) => {
    const options = { env, ...(cwd === undefined ? {} : { cwd }) };
    execFile(process.execPath, [cliMain, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ code, stdout, stderr });
    }).stdin?.end();
  });
}
